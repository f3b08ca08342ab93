import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { operatorsPage } from "./generate-operators.ts";

/** The pages that are written from the code: `npm run docs`. */
const pages = { "operators.md": operatorsPage };

for (const [name, page] of Object.entries(pages)) {
  writeFileSync(fileURLToPath(new URL(name, import.meta.url)), page());
  process.stdout.write(`docs/${name}\n`);
}
