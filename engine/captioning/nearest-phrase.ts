import { VisibleError } from "../errors.ts";
import { cosine, embedCaption } from "../pipeline/clip-space.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type Caption, type CaptionHooks, requireClip } from "./caption-image.ts";

/**
 * Finds the phrase whose text embedding has the highest cosine with a point of CLIP's space; the first one on
 * a tie.
 *
 * @param embedding [p], of any length @param phrases at least one; phrases too long for the model are skipped
 * @throws VisibleError `no_clip`, or `no_phrases` if no phrase is usable
 */
export async function nearestPhrase(
  pipeline: Pipeline,
  embedding: Float32Array,
  phrases: readonly string[],
  { signal, onEvent }: CaptionHooks = {},
): Promise<Caption> {
  const { tokenizer } = pipeline.model;
  const usable = phrases.filter((phrase) => {
    const { length, truncatedText } = tokenizer.encode(phrase);
    return length > 0 && truncatedText === undefined;
  });
  let best: Caption | undefined;
  for (const [index, text] of usable.entries()) {
    signal?.throwIfAborted();
    const similarity = cosine(embedding, requireClip(pipeline, await embedCaption(pipeline, text)));
    if (!best || similarity > best.similarity) best = { text, similarity };
    onEvent?.({ step: index + 1, steps: usable.length, similarity: best.similarity });
  }
  if (!best)
    throw new VisibleError(
      "no_phrases",
      "No phrase is short enough for this model; give a file with one shorter phrase per line.",
    );
  return best;
}
