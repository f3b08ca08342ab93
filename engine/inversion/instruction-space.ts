import { InternalError, VisibleError } from "../errors.ts";
import type { InstructionSpace } from "../instruction/instruction.ts";
import type { TextAttention } from "../networks/text-attention.ts";
import type { Conditioning } from "../pipeline/guidance.ts";
import type { Pipeline, TextEmbedding } from "../pipeline/pipeline.ts";
import type { ImagePair } from "./image-pair.ts";
import type { InversionSettings } from "./settings.ts";

/** The learned rows for positions 1 … n of the init's text, and how they are passed to the UNet. */
export interface LearnedRows {
  readonly space: InstructionSpace;
  readonly tokens: number;
  /** Width of a row: d in text space, D in kv space. */
  readonly dimension: number;
  /** In kv space: the attention layers whose keys and values a row contains. */
  readonly attentions?: readonly TextAttention[];
  /** Initial rows, [n · dimension]. */
  readonly initial: Float32Array;
  /** Rows of the init's words; equal to `initial` if learning starts from words. */
  readonly words: Float32Array;
  /** Inputs of the loss graph besides the samples. */
  feeds(instruction: Float32Array): Readonly<Record<string, Float32Array>>;
  conditioning(instruction: Float32Array): Conditioning;
}

/**
 * Creates rows for positions 1 … n (eos − 1) of the init's text: its embedding, or the keys and values that
 * the UNet projects from it. BOS, EOS and padding stay the init's in both spaces, and so does Stable
 * Diffusion XL's pooled text, which is read at EOS. If learning starts from the pairs, the rows are the mean
 * of the pair encoder's outputs.
 */
export async function openRows(
  pipeline: Pipeline,
  { init, space, start }: Pick<InversionSettings, "init" | "space" | "start">,
  pairs: readonly ImagePair[] = [],
): Promise<LearnedRows> {
  const { length: tokens, truncatedText } = pipeline.model.tokenizer.encode(init);
  if (!tokens || truncatedText !== undefined)
    throw new VisibleError(
      "invalid_init",
      `The init text "${init}" has ${tokens ? "too many" : "no"} tokens; use 1 to ${pipeline.textLength - 2}.`,
    );
  const prompt = await pipeline.encodePrompt(init);
  const rows = await (space === "text" ? textRows : keysValuesRows)(pipeline, prompt, tokens);
  if (start !== "pair") return rows;
  const text = Float32Array.from(prompt.text);
  text.set(await meanRows(pipeline, pairs), pipeline.textWidth);
  const { initial } = await (space === "text" ? textRows : keysValuesRows)(
    pipeline,
    { ...prompt, text },
    tokens,
  );
  return { ...rows, initial };
}

/** The pair encoder's output, [n · d], averaged over the pairs. */
async function meanRows(pipeline: Pipeline, pairs: readonly ImagePair[]): Promise<Float32Array> {
  let sum: Float32Array | undefined;
  for (const pair of pairs) {
    const rows = await pipeline.encodePair(pair);
    if (!rows) throw new InternalError("learning starts from the pair encoder, but the model has none");
    sum = sum ? sum.map((x, i) => x + rows[i]!) : rows;
  }
  return sum!.map((x) => x / pairs.length);
}

async function textRows(
  { textWidth: d }: Pipeline,
  { text, ...pooled }: TextEmbedding,
  tokens: number,
): Promise<LearnedRows> {
  const bos = text.slice(0, d);
  const rest = text.slice((1 + tokens) * d);
  const initial = text.slice(d, (1 + tokens) * d);
  return {
    space: "text",
    tokens,
    dimension: d,
    initial,
    words: initial,
    feeds: (instruction) => ({ bos, instruction, rest, ...pooled }),
    conditioning: (instruction) => ({
      ...pooled,
      text: Float32Array.from([...bos, ...instruction, ...rest]),
    }),
  };
}

async function keysValuesRows(
  pipeline: Pipeline,
  { text, ...pooled }: TextEmbedding,
  tokens: number,
): Promise<LearnedRows> {
  const { keysValuesWidth: dimension, textAttentions: attentions } = pipeline;
  const projected = await pipeline.projectText(text);
  const initial = projected.slice(dimension, (1 + tokens) * dimension);
  return {
    space: "kv",
    tokens,
    dimension,
    attentions,
    initial,
    words: initial,
    feeds: (instruction) => ({ text, instruction, ...pooled }),
    conditioning: (instruction) => ({ ...pooled, text, learned: instruction }),
  };
}
