/**
 * Compares visii's tokenizer with transformers' on the lines of `published_tokenizer.py`: `npx tsx
 * tests/oracle/compare-tokenizer.mts FOLDER`.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadClipTokenizer } from "../../engine/tokenizers/clip-tokenizer.ts";

const folder = process.argv[2]!;
const tokenizer = await loadClipTokenizer(folder);
const cases: { text: string; ids: number[] }[] = JSON.parse(
  await readFile(join(folder, "cases.json"), "utf8"),
);
const different = cases.filter(({ text, ids }) => {
  const ours = tokenizer.encode(text);
  return ours.ids.slice(0, ours.eosIndex + 1).join() !== ids.join();
});
for (const { text } of different.slice(0, 20)) console.log(`differs: ${JSON.stringify(text)}`);
console.log(`${cases.length - different.length} of ${cases.length} lines equal`);
process.exitCode = different.length === 0 ? 0 : 1;
