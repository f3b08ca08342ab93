#!/usr/bin/env node
// Plain JavaScript that old Node versions can parse, so that they print a useful error. The rest is
// TypeScript.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const wanted = [20, 9];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  process.stderr.write(
    `visii: Node ${process.versions.node} is too old; install Node ${wanted.join(".")} or newer (nodejs.org).\n`,
  );
  process.exitCode = 1;
} else {
  start().catch((error) => {
    const missing = error?.code === "ERR_MODULE_NOT_FOUND" && /node_modules|package/.test(error.message);
    process.stderr.write(
      missing
        ? "visii: dependencies are not installed; run npm ci in the visii folder first.\n"
        : `visii: internal: ${error?.stack}\n`,
    );
    process.exitCode = 1;
  });
}

async function start() {
  if (!existsSync(new URL("main.ts", import.meta.url))) {
    // The published package contains compiled JavaScript.
    await (await import("./dist/cli/main.js")).main();
    return;
  }
  const { register } = await import("tsx/esm/api");
  // Use this package's tsconfig.json, not one from the user's working directory.
  register({ tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)) });
  const { main } = await import("./main.ts");
  await main();
}
