import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/** Two pictures of one size (both sides multiples of the pipeline's `sizeMultiple`): the same scene before and after. */
export interface ImagePair {
  readonly before: RgbImage;
  readonly after: RgbImage;
}

/** @throws VisibleError `no_pairs`, `unequal_pair` or `invalid_size`, which names the pair and its sizes */
export function requirePairs(pipeline: Pipeline, pairs: readonly ImagePair[]): void {
  if (!pairs.length)
    throw new VisibleError("no_pairs", "There is no before/after pair to learn from; give at least one.");
  for (const [index, { before, after }] of pairs.entries()) {
    const name = `Pair ${index + 1}`;
    if (before.width !== after.width || before.height !== after.height)
      throw new VisibleError(
        "unequal_pair",
        `${name}: before is ${before.width}×${before.height}, after ${after.width}×${after.height}; make them one size.`,
      );
    const multiple = pipeline.sizeMultiple;
    if (before.width % multiple || before.height % multiple)
      throw new VisibleError(
        "invalid_size",
        `${name} is ${before.width}×${before.height}; this model wants both sides to be multiples of ${multiple}.`,
      );
  }
}
