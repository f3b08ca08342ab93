/**
 * `tsx docs/insert-reference.ts`: writes the results of `npm run bench -- reference` to docs/evaluation.md.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { replaceMarked } from "./marked-text.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = join(root, "docs", "evaluation.md");
const found = join(root, "out", "bench");
const picture = "against-the-reference.svg";

const tables = (await readFile(join(found, "reference.md"), "utf8")).trim();
const plot = `![Closeness to the truth against UNet evaluations of learning](images/${picture})`;
await writeFile(page, replaceMarked(await readFile(page, "utf8"), "reference", `${tables}\n\n${plot}`));
await copyFile(join(found, "reference.svg"), join(root, "docs", "images", picture));
