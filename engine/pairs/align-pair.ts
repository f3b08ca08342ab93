import { VisibleError } from "../errors.ts";
import { psnr } from "../image-quality/psnr.ts";
import { resizeImage } from "../images/resize-image.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { comparePair, type PairStructure } from "./pair-structure.ts";

/** How far two aspects may differ before the pair is refused: 1.05 = five percent. */
export const maximumAspectRatio = 1.05;
/** Above this PSNR, in dB, a pair shows hardly any edit (re-saving a photo as a fair JPEG gives less). */
export const nearlyIdenticalDecibels = 40;

interface AlignedPair {
  readonly before: RgbImage;
  /** As large as `before`. */
  readonly after: RgbImage;
  /** Sentences for the user: what was done to the pair. */
  readonly notices: readonly string[];
  /** Sentences for the user: what is wrong with the pair, if it is meant to be learned from, and what to do. */
  readonly warnings: readonly string[];
}

const size = (image: RgbImage): string => `${image.width}×${image.height}`;

/**
 * Brings a before/after pair to one size, the smaller of the two. Refuses, with a VisibleError, aspects further apart than
 * maximumAspectRatio: their contents would not lie on each other. `names` stand in the sentences.
 */
export function alignPair(
  before: RgbImage,
  after: RgbImage,
  names: Names = { before: "BEFORE", after: "AFTER" },
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
  return { ...pair, notices, warnings: warningsOf(pair, names) };
}

interface Names {
  readonly before: string;
  readonly after: string;
}

function warningsOf(pair: { readonly before: RgbImage; readonly after: RgbImage }, names: Names): string[] {
  const likeness = psnr(pair.before, pair.after);
  if (likeness > nearlyIdenticalDecibels)
    return [
      `${names.before} and ${names.after} are nearly identical (PSNR ${likeness === Infinity ? "infinite" : `${likeness.toFixed(0)} dB`}): there is hardly an edit to learn.`,
    ];
  const oddity = describeStructure(comparePair(pair.before, pair.after), names);
  return oddity === undefined ? [] : [oddity];
}

/** What a user should know and do about a pair whose pictures do not lie on each other. */
function describeStructure(structure: PairStructure, { before, after }: Names): string | undefined {
  switch (structure.kind) {
    case "aligned":
    case "unknown":
      return undefined;
    case "shifted":
      return `${after} seems shifted against ${before}, ${describeShift(structure)}: that cannot be learned and blurs what can; crop both to the same frame.`;
    case "mirrored":
      return `${after} seems to be mirrored against ${before}: that cannot be learned; mirror it back.`;
    case "warped":
      return `${after} seems turned or scaled a little against ${before}: that cannot be learned and blurs what can; export both from one frame.`;
    case "different":
      return `${before} and ${after} do not seem to show the same scene in the same frame: only what changes in place can be learned, no turn, crop or other picture; give two photos that lie on each other.`;
  }
}

function describeShift({ x, y }: { readonly x: number; readonly y: number }): string {
  const share = (part: number) => `${Math.max(1, Math.round(100 * Math.abs(part)))}%`;
  return [
    ...(x === 0 ? [] : [`${share(x)} of the width to the ${x > 0 ? "right" : "left"}`]),
    ...(y === 0 ? [] : [`${share(y)} of the height ${y > 0 ? "down" : "up"}`]),
  ].join(" and ");
}
