import { fitToModel, type ModelSize } from "../images/fit-to-model.ts";
import { coverImage } from "../images/resize-image.ts";
import type { RgbImage } from "../images/rgb-image.ts";

export interface ImagePair {
  readonly before: RgbImage;
  readonly after: RgbImage;
}

interface FittedPairs {
  /** All of one size, both sides multiples of the model's. */
  readonly pairs: readonly [ImagePair, ...ImagePair[]];
  /** Sentences for the user. */
  readonly notices: readonly string[];
  /** Undoes the fit on an edit of the first pair's before image. */
  restoreFirst(edited: RgbImage): RgbImage;
}

/**
 * Brings aligned pairs (alignPair) to the model's size: the first as fitToModel does, the others to the very same size, their
 * middles cut out where their shape differs, so that all are learned through one compiled graph. Needs at least one pair.
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
      `Pair ${index + 2} has another shape than the first: its middle is taken, as ${width}×${height}.`,
    );
    return { before: coverImage(pair.before, width, height), after: coverImage(pair.after, width, height) };
  });
  return {
    pairs: [{ before: before.image, after: fitToModel(first.after, size).image }, ...fitted],
    notices,
    restoreFirst: (edited) => before.restore(edited),
  };
}
