import { VisibleError } from "../errors.ts";
import { psnr } from "../image-quality/psnr.ts";
import { midSentence } from "../images/mid-sentence.ts";
import { resizeImage } from "../images/resize-image.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { comparePair, type PairStructure } from "./pair-structure.ts";

/** Maximum ratio of the two aspect ratios: 1.05 is 5%. */
export const maxAspectRatio = 1.05;
/**
 * Above this PSNR in dB, a pair shows hardly any edit. Saving a photo again as a good JPEG gives a lower
 * PSNR.
 */
const nearlyIdenticalDecibels = 40;

interface AlignedPair {
  readonly before: RgbImage;
  /** Same size as `before`. */
  readonly after: RgbImage;
  /** Messages for the user about changes made to the pair. */
  readonly notices: readonly string[];
  /** Messages for the user about problems of the pair as a training pair, and how to fix them. */
  readonly warnings: readonly string[];
}

const size = (image: RgbImage): string => `${image.width}×${image.height}`;

/**
 * Resizes a before/after pair to one size, the smaller of the two. `names` are used in messages.
 *
 * @throws VisibleError if the aspect ratios differ by more than maxAspectRatio
 */
export function alignPair(
  before: RgbImage,
  after: RgbImage,
  names: Names = { before: "BEFORE", after: "AFTER" },
): AlignedPair {
  const notices: string[] = [];
  const mismatch = before.width / before.height / (after.width / after.height);
  if (Math.max(mismatch, 1 / mismatch) > maxAspectRatio)
    throw new VisibleError(
      "pair_aspect_mismatch",
      `${names.before} is ${size(before)} and ${midSentence(names.after)} is ${size(after)}; the aspect ratios differ by more than ${Math.round((maxAspectRatio - 1) * 100)}%. Crop both to the same frame.`,
    );
  const smaller = before.width * before.height <= after.width * after.height ? before : after;
  if (size(before) !== size(after))
    notices.push(
      `${names.before} is ${size(before)} and ${midSentence(names.after)} is ${size(after)}; both are resized to ${size(smaller)}.`,
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
      `${names.before} and ${midSentence(names.after)} are nearly identical (PSNR ${likeness === Infinity ? "infinite" : `${likeness.toFixed(0)} dB`}), so there is hardly an edit to learn; check that AFTER is the edited photo.`,
    ];
  const oddity = describeStructure(comparePair(pair.before, pair.after), names);
  return oddity === undefined ? [] : [oddity];
}

/** A warning for a pair whose images do not align. */
function describeStructure(structure: PairStructure, { before, after }: Names): string | undefined {
  switch (structure.kind) {
    case "aligned":
    case "unknown":
      return undefined;
    case "shifted":
      return `${after} seems to be shifted relative to ${midSentence(before)}, ${describeShift(structure)}. A shift cannot be learned and blurs the result; crop both to the same frame.`;
    case "mirrored":
      return `${after} seems to be mirrored relative to ${midSentence(before)}. Mirroring cannot be learned; mirror it back.`;
    case "warped":
      return `${after} seems to be slightly rotated or scaled relative to ${midSentence(before)}. This cannot be learned and blurs the result; export both from the same frame.`;
    case "different":
      return `${before} and ${midSentence(after)} do not seem to show the same scene in the same frame. Only changes in place can be learned, not rotations, crops or different scenes; give two photos that align.`;
  }
}

function describeShift({ x, y }: { readonly x: number; readonly y: number }): string {
  const share = (part: number) => `${Math.max(1, Math.round(100 * Math.abs(part)))}%`;
  return [
    ...(x === 0 ? [] : [`${share(x)} of the width to the ${x > 0 ? "right" : "left"}`]),
    ...(y === 0 ? [] : [`${share(y)} of the height ${y > 0 ? "down" : "up"}`]),
  ].join(" and ");
}
