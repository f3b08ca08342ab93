/**
 * `tsx gpu-worker/container/main.ts FOLDER`: creates the folder of the worker's image. Run by the Dockerfile.
 */
import { fileURLToPath } from "node:url";
import { assembleWorker } from "./assemble.ts";

const [out] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write("Usage: tsx gpu-worker/container/main.ts FOLDER\n");
  process.exit(2);
}
const packages = await assembleWorker(fileURLToPath(new URL("../..", import.meta.url)), out);
process.stdout.write(
  `${out}: main.mjs, child.mjs, decoder-child.mjs, fetch-model.mjs, smoke.mjs and ${packages.map(({ name }) => name).join(", ")}\n`,
);
