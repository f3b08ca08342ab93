import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/**
 * A scene before and after the edit, at one size; both sides are multiples of the pipeline's `sizeMultiple`.
 */
export interface ImagePair {
  readonly before: RgbImage;
  readonly after: RgbImage;
}

/** @throws VisibleError `no_pairs`, `unequal_pair` or `invalid_size`, which names the pair and its sizes */
export function requirePairs(pipeline: Pipeline, pairs: readonly ImagePair[]): void {
  if (!pairs.length)
    throw new VisibleError("no_pairs", "No pair to learn from; give at least one before/after pair.");
  for (const [index, { before, after }] of pairs.entries()) {
    const name = `Pair ${index + 1}`;
    if (before.width !== after.width || before.height !== after.height)
      throw new VisibleError(
        "unequal_pair",
        `${name}: before is ${before.width}×${before.height}, after ${after.width}×${after.height}; resize them to one size.`,
      );
    const multiple = pipeline.sizeMultiple;
    if (before.width % multiple || before.height % multiple)
      throw new VisibleError(
        "invalid_size",
        `${name} is ${before.width}×${before.height}; both sides must be multiples of ${multiple} for this model.`,
      );
  }
}
