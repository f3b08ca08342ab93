import { VisibleError } from "../../shared/errors.ts";
import { psnr } from "../metrics/psnr.ts";
import { resizeImage } from "./resize-image.ts";
import type { RgbImage } from "./rgb-image.ts";

/** How far two aspects may differ before the pair is refused: 1.05 = five percent. */
export const maximumAspectRatio = 1.05;
/** Above this PSNR, in dB, a pair shows hardly any edit (re-saving a photo as a fair JPEG gives less). */
export const nearlyIdenticalDecibels = 40;

export interface AlignedPair {
  readonly before: RgbImage;
  /** As large as `before`. */
  readonly after: RgbImage;
  /** Sentences for the user: what was done to the pair, and what looks odd about it. */
  readonly notices: readonly string[];
}

const size = (image: RgbImage): string => `${image.width}×${image.height}`;

/**
 * Brings a before/after pair to one size, the smaller of the two. Refuses, with a VisibleError, aspects further apart than
 * maximumAspectRatio: their contents would not lie on each other. `names` stand in the sentences.
 */
export function alignPair(
  before: RgbImage,
  after: RgbImage,
  names: { readonly before: string; readonly after: string } = { before: "BEFORE", after: "AFTER" },
): AlignedPair {
  const notices: string[] = [];
  const mismatch = before.width / before.height / (after.width / after.height);
  if (Math.max(mismatch, 1 / mismatch) > maximumAspectRatio)
    throw new VisibleError(
      "pair_aspect_mismatch",
      `${names.before} is ${size(before)} and ${names.after} is ${size(after)}: shapes more than ${Math.round((maximumAspectRatio - 1) * 100)}% apart do not lie on each other; crop both to the same frame.`,
    );
  const smaller = before.width * before.height <= after.width * after.height ? before : after;
  if (size(before) !== size(after))
    notices.push(
      `${names.before} is ${size(before)} and ${names.after} is ${size(after)}: both are taken as ${size(smaller)}.`,
    );
  const pair = {
    before: resizeImage(before, smaller.width, smaller.height),
    after: resizeImage(after, smaller.width, smaller.height),
  };
  const likeness = psnr(pair.before, pair.after);
  if (likeness > nearlyIdenticalDecibels)
    notices.push(
      `${names.before} and ${names.after} are nearly identical (PSNR ${likeness === Infinity ? "infinite" : `${likeness.toFixed(0)} dB`}): there is hardly an edit to learn.`,
    );
  return { ...pair, notices };
}
