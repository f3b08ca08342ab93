#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old one hears what is wrong; then the TypeScript takes over.
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
        ? "visii: its packages are not installed; run npm ci in the visii folder first.\n"
        : `visii: internal: ${error?.stack}\n`,
    );
    process.exitCode = 1;
  });
}

async function start() {
  if (!existsSync(new URL("main.ts", import.meta.url))) {
    // As published: JavaScript.
    await (await import("./dist/cli/main.js")).main();
    return;
  }
  const { register } = await import("tsx/esm/api");
  // Ours, not whatever tsconfig.json lies in the folder that the user happens to be in.
  register({ tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)) });
  const { main } = await import("./main.ts");
  await main();
}
