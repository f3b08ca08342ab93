import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { root } from "./evaluate.ts";
import { imageNode, imageNodeVersion } from "./image-node.ts";

const run = promisify(execFile);

describe.skipIf(!imageNode)("on the Node of images and functions (Linux on x64 only)", () => {
  test("the version is that of the Dockerfile and the functions", async () => {
    const { stdout } = await run(imageNode!.program, ["--version"]);
    expect(stdout.trim()).toBe(`v${imageNodeVersion}`);
    const [line] = imageNodeVersion.split(".");
    expect(await readFile(join(root, "gpu-worker/Dockerfile"), "utf8")).toContain(`FROM node:${line}-`);
    expect(await readFile(join(root, "infra/edge-function.ts"), "utf8")).toContain(`"nodejs${line}.x"`);
  });

  // In a child process, so that everything these tests start uses this Node too.
  test.each([
    // `containers.test.ts` tests downloads and edits.
    ["the worker's bundle learns, stops and recovers", "tests/gpu-worker/container/worker-life.test.ts"],
    [
      "the functions' bundles answer, stream, sweep and handle dead letters",
      "tests/functions/lambda.test.ts",
    ],
  ])("%s", async (_, file) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const { stdout } = await run(imageNode!.program, [vitest, "run", file], {
      cwd: root,
      env: { ...process.env, PATH: `${imageNode!.bin}:${process.env.PATH}` },
      maxBuffer: 16 * 1024 * 1024,
    }).catch((error: { readonly stdout?: string; readonly stderr?: string }) => {
      throw new Error(`${error.stdout}\n${error.stderr}`, { cause: error });
    });
    expect(stdout).toMatch(/Tests .*\d+ passed/);
  });
});
