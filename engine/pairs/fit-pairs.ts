import { fitToModel, type ModelSize } from "../images/fit-to-model.ts";
import { coverImage } from "../images/resize-image.ts";
import type { RgbImage } from "../images/rgb-image.ts";

export interface ImagePair {
  readonly before: RgbImage;
  readonly after: RgbImage;
}

interface FittedPairs {
  /** All of one size; both sides are multiples of the model's. */
  readonly pairs: readonly [ImagePair, ...ImagePair[]];
  /** Messages for the user. */
  readonly notices: readonly string[];
  /** Reverses the resizing for an edit of the first pair's before image. */
  restoreFirst(edited: RgbImage): RgbImage;
}

/**
 * Resizes aligned pairs (alignPair) for the model: the first with fitToModel, the others to the same size,
 * cropped to the center if their aspect ratio differs. One compiled graph then serves all pairs. Needs at
 * least one pair.
 */
export function fitPairs(pairs: readonly [ImagePair, ...ImagePair[]], size: ModelSize): FittedPairs {
  const [first, ...others] = pairs;
  const before = fitToModel(first.before, size, "The first pair");
  const { width, height } = before.image;
  const notices: string[] = [];
  const fitted = others.map((pair, index) => {
    const own = fitToModel(pair.before, size, `Pair ${index + 2}`);
    if (own.image.width === width && own.image.height === height)
      return { before: own.image, after: fitToModel(pair.after, size).image };
    notices.push(
      `Pair ${index + 2} has another aspect ratio than the first; its center is cropped to ${width}×${height}.`,
    );
    return { before: coverImage(pair.before, width, height), after: coverImage(pair.after, width, height) };
  });
  return {
    pairs: [{ before: before.image, after: fitToModel(first.after, size).image }, ...fitted],
    notices,
    restoreFirst: (edited) => before.restore(edited),
  };
}
