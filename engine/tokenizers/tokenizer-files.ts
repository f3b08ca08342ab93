import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";

/** A special token in transformers' format: plain text, or text with matching options. */
const specialToken = z.union([
  z.string(),
  z.object({ content: z.string(), normalized: z.boolean().default(false) }),
]);

const specialTokens = z.object({
  bos_token: specialToken.nullish(),
  eos_token: specialToken.nullish(),
  unk_token: specialToken.nullish(),
  pad_token: specialToken.nullish(),
});

const tokenizerConfig = specialTokens.extend({
  tokenizer_class: z.enum(["CLIPTokenizer", "CLIPTokenizerFast"]).default("CLIPTokenizer"),
  model_max_length: z.number().int().min(3).max(4096),
  padding_side: z.literal("right").default("right"),
  truncation_side: z.literal("right").default("right"),
});

const vocabulary = z.record(z.string(), z.number().int().min(0).max(1_000_000));

const tokenizerJson = z.object({
  model: z.object({
    type: z.literal("BPE"),
    end_of_word_suffix: z.literal("</w>"),
    vocab: vocabulary,
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});

type TokenizerConfig = z.infer<typeof tokenizerConfig>;
export type SpecialToken = z.infer<typeof specialToken>;

/** The validated files of a CLIP tokenizer folder. */
export interface TokenizerFiles {
  readonly folder: string;
  readonly config: TokenizerConfig;
  readonly vocabulary: Readonly<Record<string, number>>;
  /** In descending priority. */
  readonly merges: readonly (readonly [string, string])[];
}

/**
 * Reads `tokenizer_config.json` (with `special_tokens_map.json` as a fallback, if present) and either
 * `vocab.json` and
 * `merges.txt` or `tokenizer.json`.
 *
 * @throws VisibleError `tokenizer_not_found`, `invalid_tokenizer`
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const map = await readJson(folder, "special_tokens_map.json", specialTokens);
  const config = await readJson(folder, "tokenizer_config.json", tokenizerConfig);
  if (config === undefined)
    throw new VisibleError(
      "tokenizer_not_found",
      `${folder} has no tokenizer_config.json; check the model folder.`,
    );
  const rules = (await readVocabularyAndMerges(folder)) ?? (await readTokenizerJson(folder));
  if (rules === undefined)
    throw new VisibleError(
      "tokenizer_not_found",
      `${folder} has neither vocab.json with merges.txt nor tokenizer.json; download the model's tokenizer folder.`,
    );
  return { folder, config: { ...map, ...config }, ...rules };
}

type Rules = Pick<TokenizerFiles, "vocabulary" | "merges">;

async function readVocabularyAndMerges(folder: string): Promise<Rules | undefined> {
  const read = await readJson(folder, "vocab.json", vocabulary);
  const text = await readText(folder, "merges.txt");
  if (read === undefined || text === undefined) return undefined;
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version"));
  return { vocabulary: read, merges: lines.map((line) => splitMerge(line, join(folder, "merges.txt"))) };
}

async function readTokenizerJson(folder: string): Promise<Rules | undefined> {
  const read = await readJson(folder, "tokenizer.json", tokenizerJson);
  if (read === undefined) return undefined;
  const path = join(folder, "tokenizer.json");
  const merges = read.model.merges.map((pair) => (typeof pair === "string" ? splitMerge(pair, path) : pair));
  return { vocabulary: read.model.vocab, merges };
}

function splitMerge(line: string, path: string): readonly [string, string] {
  const [left, right, ...rest] = line.split(" ");
  if (!left || !right || rest.length > 0)
    throw invalid(path, `${JSON.stringify(line)} is not a merge of two symbols`);
  return [left, right];
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  const path = join(folder, name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, "it is not valid JSON", cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(path, `${issue?.path.join(".") || "it"}: ${issue?.message ?? "malformed"}`, result.error);
}

async function readText(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new VisibleError(
      "tokenizer_not_found",
      `${join(folder, name)} cannot be read; check its permissions.`,
      {
        cause,
      },
    );
  }
}

export function invalid(path: string, reason: string, cause?: unknown): VisibleError {
  return new VisibleError(
    "invalid_tokenizer",
    `${path} is not a valid CLIP tokenizer file: ${reason}; download it again.`,
    {
      cause,
    },
  );
}
