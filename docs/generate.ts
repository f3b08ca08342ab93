import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { operatorsPage } from "./generate-operators.ts";

/** `npm run docs`: generates the pages that are derived from the code. */
const pages = { "operators.md": operatorsPage };

for (const [name, page] of Object.entries(pages)) {
  writeFileSync(fileURLToPath(new URL(name, import.meta.url)), page());
  process.stdout.write(`docs/${name}\n`);
}
