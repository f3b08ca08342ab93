import { VisibleError } from "../errors.ts";
import type { Conditioning } from "../pipeline/guidance.ts";
import type { Pipeline, TextEmbedding } from "../pipeline/pipeline.ts";
import type { Instruction } from "./instruction.ts";

/** A prompt: text, a learned instruction, or both. */
export interface Prompt {
  readonly instruction?: Instruction;
  readonly text?: string;
}

/**
 * Encodes a prompt for the UNet.
 *
 * Text alone is the text encoder's output. An instruction replaces rows 1 … n of its init's embedding, or in
 * kv space their keys and values. Added text is encoded alone, and its rows, including the end token and
 * padding, follow from row n + 1. Stable Diffusion XL's pooled text is read at the end token, so it is that
 * of the init, or of the added text.
 *
 * @throws VisibleError if the prompt is empty, the instruction belongs to another model, or the text is too
 * long
 */
export async function embedPrompt(pipeline: Pipeline, { instruction, text }: Prompt): Promise<Conditioning> {
  if (!instruction) {
    if (!text) throw new VisibleError("empty_prompt", "Nothing to do: give an instruction, a text, or both.");
    return embedWords(pipeline, text);
  }
  requireSameModel(pipeline, instruction);
  const { tokens, tokenCount: n, info } = instruction;
  const { textLength: length, textWidth: width } = pipeline;
  const { text: initial, ...ofInit } = await pipeline.encodePrompt(info.init);
  const embedding = Float32Array.from(initial);
  if (info.space === "text") embedding.set(tokens, width);
  const learned = info.space === "text" ? {} : { learned: tokens };
  if (!text) return { ...ofInit, text: embedding, ...learned };
  refuseLongText(pipeline, text, length - 2 - n);
  const { text: words, ...ofWords } = await pipeline.encodePrompt(text);
  embedding.set(words.subarray(width, (length - n) * width), (1 + n) * width);
  return { ...ofWords, text: embedding, ...learned };
}

/** @throws VisibleError `text_too_long` if the text does not fit on its own */
export async function embedWords(pipeline: Pipeline, text: string): Promise<TextEmbedding> {
  refuseLongText(pipeline, text, pipeline.textLength - 2);
  return pipeline.encodePrompt(text);
}

function refuseLongText(pipeline: Pipeline, text: string, room: number): void {
  const { length, truncatedText } = pipeline.model.tokenizer.encode(text);
  if (length > room || truncatedText !== undefined)
    throw new VisibleError(
      "text_too_long",
      `The text "${text}" is ${truncatedText === undefined ? length : `more than ${length}`} tokens long, but there ` +
        `is room for ${room}; shorten it.`,
    );
}

/**
 * Checks that an instruction was learned with the pipeline's model.
 *
 * @throws VisibleError `foreign_instruction`, which names both models, or `invalid_instruction` for rows of
 * the wrong shape
 * @example
 * requireSameModel(pipeline, await readInstruction("edit.visii"));
 */
export function requireSameModel(pipeline: Pipeline, instruction: Instruction): void {
  const { info, dimension, tokenCount, attentions } = instruction;
  if (info.weightHash !== pipeline.weightHash)
    throw new VisibleError(
      "foreign_instruction",
      `This instruction was learned with the model "${info.modelId}" (weights ${info.weightHash.slice(0, 12)}), not ` +
        `"${pipeline.modelId}" (${pipeline.weightHash.slice(0, 12)}). Use that model, or learn it again with this one.`,
    );
  const refuse = (why: string) =>
    new VisibleError(
      "invalid_instruction",
      `This instruction cannot be used with the model "${pipeline.modelId}", although its weight hash matches: ${why}. Learn it again.`,
    );
  if (tokenCount > pipeline.textLength - 2)
    throw refuse(`it has ${tokenCount} tokens, but a text has ${pipeline.textLength - 2}`);
  const wanted = info.space === "text" ? [] : pipeline.textAttentions;
  const given = new Map(attentions?.map(({ name, width }) => [name, width]));
  for (const { name, width } of wanted)
    if (given.get(name) !== width)
      throw refuse(
        `${name} needs keys and values of width ${width}, but the instruction has ${given.get(name) ?? "none"}`,
      );
  if (given.size !== wanted.length)
    throw refuse(
      `it has keys and values of ${given.size} attention layers, but the model has ${wanted.length}`,
    );
  const expected = info.space === "text" ? pipeline.textWidth : pipeline.keysValuesWidth;
  if (dimension !== expected) throw refuse(`its rows have width ${dimension}, the model's ${expected}`);
}
