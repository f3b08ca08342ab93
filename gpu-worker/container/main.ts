/** `tsx gpu-worker/container/main.ts FOLDER`: what an image of the worker holds, as the Dockerfile asks for it. */
import { fileURLToPath } from "node:url";
import { assembleWorker } from "./assemble.ts";

const [out] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write("Give the folder to write: tsx gpu-worker/container/main.ts FOLDER\n");
  process.exit(2);
}
const packages = await assembleWorker(fileURLToPath(new URL("../..", import.meta.url)), out);
process.stdout.write(
  `${out}: main.mjs, child.mjs, fetch-model.mjs, smoke.mjs and ${packages.map(({ name }) => name).join(", ")}\n`,
);
