import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { VisibleError } from "../errors.ts";
import { editDirection } from "../inversion/edit-direction.ts";
import type { ImagePair } from "../inversion/image-pair.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type Caption, type CaptionHooks, captionEmbedding, requireClip } from "./caption-image.ts";
import { nearestPhrase } from "./nearest-phrase.ts";

/** Input of a captioning method: the point of CLIP's space to describe, and options. */
interface CaptionTask {
  readonly embedding: Float32Array;
  readonly seed: number;
  /** The caller's phrases; the model folder's phrases if absent. */
  readonly phrases: readonly string[] | undefined;
}

type CaptionMethod = (pipeline: Pipeline, task: CaptionTask, hooks: CaptionHooks) => Promise<Caption>;

const methods = {
  /** Gradient descent over the vocabulary (`captionEmbedding`). */
  pez: (pipeline, { embedding, seed }, hooks) => captionEmbedding(pipeline, embedding, { seed }, hooks),
  /** The nearest of a list of phrases (`nearestPhrase`). */
  phrase: async (pipeline, { embedding, phrases }, hooks) =>
    nearestPhrase(pipeline, embedding, phrases ?? (await modelPhrases(pipeline)), hooks),
} as const satisfies Readonly<Record<string, CaptionMethod>>;

export type CaptionKind = keyof typeof methods;

interface CaptionPairOptions {
  readonly seed: number;
  readonly phrases?: readonly string[];
}

/**
 * Finds a caption to start learning from. It describes the after image or, if the model's CLIP was trained
 * for it (`captions.describe` of `visii.json`), the difference f(after) − f(before).
 *
 * @throws VisibleError `no_clip`, `no_phrases`, or `nothing_to_caption` if CLIP's embeddings of the
 * images do not differ
 */
export async function captionPair(
  pipeline: Pipeline,
  pair: ImagePair,
  kind: CaptionKind,
  { seed, phrases }: CaptionPairOptions,
  hooks: CaptionHooks = {},
): Promise<Caption> {
  const after = requireClip(pipeline, await pipeline.embedImage(pair.after));
  const describesEdit = pipeline.defaults.captions.describe === "edit";
  const embedding = describesEdit ? await editDirection(pipeline, [pair]) : after;
  if (!embedding)
    throw new VisibleError(
      "nothing_to_caption",
      "This model's CLIP gives before and after the same embedding, so no caption can be found; use --init words instead.",
    );
  return methods[kind](pipeline, { embedding, seed, phrases }, hooks);
}

/**
 * Splits text into phrases, one per line. Empty lines and surrounding spaces are removed.
 *
 * @example
 * const phrases = parsePhrases("make it night\n make it snow \n\n");
 * console.log(phrases); // ["make it night", "make it snow"]
 */
export function parsePhrases(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

async function modelPhrases({ model, defaults }: Pipeline): Promise<string[]> {
  const { phrases } = defaults.captions;
  const refuse = (cause?: unknown) =>
    new VisibleError(
      "no_phrases",
      `${model.folder} contains no list of phrases; give one with --phrases FILE, one phrase per line.`,
      { cause },
    );
  if (phrases === undefined) throw refuse();
  const text = await readFile(join(model.folder, phrases), "utf8").catch((cause: unknown) => {
    throw refuse(cause);
  });
  return parsePhrases(text);
}
