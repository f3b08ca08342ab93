import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadClipTokenizer } from "../../engine/tokenizers/clip-tokenizer.ts";
import { syntheticTokenizer } from "../../research/random-model/synthetic-tokenizer.ts";

async function load(size: number) {
  const folder = await mkdtemp(join(tmpdir(), "visii-tokenizer-"));
  for (const [name, text] of Object.entries(syntheticTokenizer(size, 77)))
    await writeFile(join(folder, name), text);
  const tokenizer = await loadClipTokenizer(folder);
  await rm(folder, { recursive: true });
  return tokenizer;
}

it("has as many tokens as CLIP, all distinct, with the special ones last", async () => {
  const tokenizer = await load(49_408);
  expect(tokenizer.vocabularySize).toBe(49_408);
  expect([tokenizer.bosId, tokenizer.eosId, tokenizer.padId]).toEqual([49_406, 49_407, 49_407]);
  const spellings = Array.from({ length: 49_408 }, (_, id) => tokenizer.tokenToString(id));
  expect(new Set(spellings).size).toBe(49_408);
});

it("encodes any script without unknown tokens, and short words as one token", async () => {
  const tokenizer = await load(49_408);
  const { ids, length } = tokenizer.encode("the cat");
  expect(ids.slice(1, 1 + length).map((id) => tokenizer.tokenToString(id))).toEqual(["the</w>", "cat</w>"]);
  for (const text of ["Übergrößen", "夜にして", "зима, снег", "🙂🙂", "ناعم"]) {
    const encoded = tokenizer.encode(text);
    expect(encoded.length).toBeGreaterThan(0);
    expect(encoded.ids.slice(1, 1 + encoded.length)).not.toContain(tokenizer.eosId);
  }
});

it("has at least 256 tokens", () => {
  expect(() => syntheticTokenizer(513, 77)).toThrow(/514/);
});
