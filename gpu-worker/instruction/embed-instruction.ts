import { VisibleError } from "../../shared/errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Instruction } from "./instruction.ts";

/** What the model is told: words, a learned instruction, or a learned instruction followed by words. */
export interface Prompt {
  readonly instruction?: Instruction;
  readonly text?: string;
}

/**
 * The text embedding of a prompt, [L · d].
 *
 * Words alone are the text encoder's output. An instruction replaces rows 1 … n of its init's embedding; the words of
 * a hybrid are encoded alone and their rows, end marker and padding included, follow from row n + 1 on.
 *
 * @throws VisibleError if nothing is asked, the instruction is another model's, or the words do not fit
 */
export async function embedPrompt(pipeline: Pipeline, { instruction, text }: Prompt): Promise<Float32Array> {
  if (!instruction) {
    if (!text) throw new VisibleError("empty_prompt", "Nothing to do: give an instruction, a text, or both.");
    refuseLongText(pipeline, text, pipeline.textLength - 2);
    return pipeline.encodeText(text);
  }
  requireSameModel(pipeline, instruction);
  const { tokens, tokenCount: n, info } = instruction;
  const { textLength: length, textWidth: width } = pipeline;
  const embedding = Float32Array.from(await pipeline.encodeText(info.init));
  embedding.set(tokens, width);
  if (text) {
    refuseLongText(pipeline, text, length - 2 - n);
    const words = await pipeline.encodeText(text);
    embedding.set(words.subarray(width, (length - n) * width), (1 + n) * width);
  }
  return embedding;
}

function refuseLongText(pipeline: Pipeline, text: string, room: number): void {
  const { length, truncatedText } = pipeline.model.tokenizer.encode(text);
  if (length > room || truncatedText !== undefined)
    throw new VisibleError(
      "text_too_long",
      `The text "${text}" is ${truncatedText === undefined ? length : `more than ${length}`} tokens long and there ` +
        `is room for ${room}; shorten it.`,
    );
}

/** @throws VisibleError `foreign_instruction`, which names both models */
export function requireSameModel(pipeline: Pipeline, { info, dimension }: Instruction): void {
  if (info.weightHash === pipeline.weightHash && dimension === pipeline.textWidth) return;
  throw new VisibleError(
    "foreign_instruction",
    `This instruction was learned through the model "${info.modelId}" (weights ${info.weightHash.slice(0, 12)}), not ` +
      `"${pipeline.modelId}" (${pipeline.weightHash.slice(0, 12)}). Choose that model, or learn it again with this one.`,
  );
}
