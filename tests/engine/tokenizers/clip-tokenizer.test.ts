import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadClipTokenizer } from "../../../engine/tokenizers/clip-tokenizer.ts";
import { openSafetensors } from "../../../engine/weights/safetensors-file.ts";
import { readIntegers } from "../weights/read-integers.ts";

const fixtures = join(import.meta.dirname, "../../fixtures");
const published = join(fixtures, "tiny-ip2p/tokenizer");
const cases: { text: string; ids: number[] }[] = JSON.parse(
  await readFile(join(fixtures, "tokenizer/cases.json"), "utf8"),
);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-tokenizer-"));
  await cp(published, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function edit(name: string, change: (json: Record<string, unknown>) => unknown) {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, "utf8")))));
}

describe("the CLIP tokenizer", () => {
  it("returns the IDs of transformers.CLIPTokenizer, padded with <|endoftext|>", async () => {
    const tokenizer = await loadClipTokenizer(published);
    expect(cases.length).toBeGreaterThan(300);
    for (const { text, ids } of cases) {
      const { ids: ours, eosIndex, length } = tokenizer.encode(text);
      const padded = [...ids, ...Array<number>(77 - ids.length).fill(tokenizer.eosId)];
      expect(ours, JSON.stringify(text)).toEqual(padded);
      expect([eosIndex, length], JSON.stringify(text)).toEqual([ids.length - 1, ids.length - 2]);
    }
  });

  it.each(["tiny-ip2p", "tiny-mini"])(
    "returns the IDs that diffusers gives %s's text encoder",
    async (model) => {
      const tokenizer = await loadClipTokenizer(join(fixtures, model, "tokenizer"));
      const expected = await openSafetensors(join(fixtures, model, "expected.safetensors"));
      const prompts = {
        "tiny-ip2p": ["a watercolor painting of a mountain lake", "", "make it night, strongly darker!"],
        "tiny-mini": ["sepia tone, slightly brighter", "", "turn the sky into the sea"],
      }[model]!;
      const ids = prompts.flatMap((prompt) => tokenizer.encode(prompt).ids);
      expect(ids).toEqual(await readIntegers(expected, "inputs.text.ids"));
      expect([tokenizer.encode(prompts[0]!).eosIndex]).toEqual(
        await readIntegers(expected, "inputs.text.eos_index"),
      );
    },
  );

  it("returns its tokens and special IDs", async () => {
    const tokenizer = await loadClipTokenizer(published);
    expect(tokenizer).toMatchObject({
      bosId: 812,
      eosId: 813,
      padId: 813,
      maxLength: 77,
      vocabularySize: 814,
    });
    expect(tokenizer.tokenToString(813)).toBe("<|endoftext|>");
    expect(tokenizer.tokenToString(814)).toBeUndefined();
    const { ids, length } = tokenizer.encode("a painting");
    expect(
      ids
        .slice(1, 1 + length)
        .map(tokenizer.tokenToString)
        .join(""),
    ).toBe("a</w>painting</w>");
  });

  it("reports the truncated text", async () => {
    const tokenizer = await loadClipTokenizer(published);
    const fits = tokenizer.encode("1".repeat(75));
    expect(fits.truncatedText).toBeUndefined();
    const long = tokenizer.encode(`${"1".repeat(75)} Turn the SKY into gold, café!`);
    expect(long).toMatchObject({
      length: 75,
      eosIndex: 76,
      truncatedText: "turn the sky into gold, café!",
    });
    expect(long.ids).toHaveLength(77);
  });

  it("accepts half a surrogate pair", async () => {
    const tokenizer = await loadClipTokenizer(published);
    expect(tokenizer.encode("a \ud83d b").ids).toEqual(tokenizer.encode("a \ufffd b").ids);
  });

  it("pads with the config's token", async () => {
    await edit("tokenizer_config.json", (config) => ({ ...config, pad_token: "!", model_max_length: 8 }));
    const tokenizer = await loadClipTokenizer(folder);
    expect(tokenizer.encode("night").ids.slice(-3)).toEqual(Array(3).fill(tokenizer.padId));
    expect(tokenizer.tokenToString(tokenizer.padId)).toBe("!");
  });

  it("treats a padding token inside a prompt like transformers", async () => {
    await edit("tokenizer_config.json", (config) => ({ ...config, pad_token: "!" }));
    const tokenizer = await loadClipTokenizer(folder);
    const withBang = JSON.parse(await readFile(join(fixtures, "tokenizer/cases-pad-with-bang.json"), "utf8"));
    expect(withBang.length).toBeGreaterThan(30);
    for (const { text, ids } of withBang as typeof cases)
      expect(tokenizer.encode(text).ids.slice(0, ids.length), JSON.stringify(text)).toEqual(ids);
  });

  it("reads tokenizer.json with the same results if vocab.json is missing", async () => {
    const vocab = JSON.parse(await readFile(join(folder, "vocab.json"), "utf8"));
    const merges = (await readFile(join(folder, "merges.txt"), "utf8")).split("\n").slice(1, -1);
    await writeFile(
      join(folder, "tokenizer.json"),
      JSON.stringify({ model: { type: "BPE", end_of_word_suffix: "</w>", vocab, merges } }),
    );
    await rm(join(folder, "vocab.json"));
    const [ours, theirs] = [await loadClipTokenizer(folder), await loadClipTokenizer(published)];
    for (const { text } of cases.slice(0, 50)) expect(ours.encode(text)).toEqual(theirs.encode(text));
  });

  it("rejects invalid folders in one sentence that names the file", async () => {
    await edit("tokenizer_config.json", ({ model_max_length: _, ...config }) => config);
    await expect(loadClipTokenizer(folder)).rejects.toThrow(/tokenizer_config\.json .*model_max_length/);
    await edit("tokenizer_config.json", (config) => ({
      ...config,
      model_max_length: 77,
      padding_side: "left",
    }));
    await expect(loadClipTokenizer(folder)).rejects.toThrow(/padding_side/);
    await cp(published, folder, { recursive: true });
    await edit("vocab.json", (vocab) => ({ ...vocab, again: 3 }));
    await expect(loadClipTokenizer(folder)).rejects.toThrow(/gives "again" the id 3/);
    await edit("vocab.json", ({ again: _, "<|endoftext|>": __, ...vocab }) => vocab);
    await expect(loadClipTokenizer(folder)).rejects.toThrow(/lacks the special token <\|endoftext\|>/);
    await writeFile(join(folder, "vocab.json"), "{");
    await expect(loadClipTokenizer(folder)).rejects.toThrow(/vocab\.json .*not valid JSON/);
    await cp(published, folder, { recursive: true });
    await writeFile(join(folder, "merges.txt"), "a b c\n");
    await expect(loadClipTokenizer(folder)).rejects.toThrow(/"a b c" is not a merge/);
    await rm(join(folder, "merges.txt"));
    await expect(loadClipTokenizer(folder)).rejects.toMatchObject({
      name: "VisibleError",
      code: "tokenizer_not_found",
    });
  });
});
