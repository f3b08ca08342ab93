import { psnr } from "../image-quality/psnr.ts";
import type { ImagePair } from "../pairs/fit-pairs.ts";
import { crossValidatedPsnr } from "./fit-edit.ts";

/**
 * PSNR in dB from which a pair counts as a color change. On 24 edits of the first evaluation set, color
 * polynomials reached at least 36 dB for color changes, 13 to 19 dB for other edits (sketches, neon edges,
 * vignettes), and 30 to 33 dB for color changes that they fit only roughly (solarize, thermal).
 */
const minDecibels = 30;
/** Minimum gain in dB over the unedited image. Any weak edit is close to the unedited image. */
const minGain = 6;

/** PSNR in dB of a color map on image parts that it was not fitted to. */
export function colorMapPsnr(pairs: readonly ImagePair[]): number {
  return crossValidatedPsnr(pairs, "cubic");
}

/**
 * A warning for pairs that a lookup table reproduces better than learning; undefined if it does not.
 *
 * @param command the command that makes the table
 */
export function colorChangeWarning(pairs: readonly ImagePair[], command: string): string | undefined {
  const mapped = colorMapPsnr(pairs);
  const unedited = Math.min(...pairs.map(({ before, after }) => psnr(before, after)));
  if (mapped < minDecibels || mapped < unedited + minGain) return undefined;
  return (
    `${pairs.length === 1 ? "The pair is" : "The pairs are"} a color change, which a 3D lookup table reproduces to ` +
    `${mapped.toFixed(1)} dB on held-out parts of the image, at any size and in real time: ${command}`
  );
}
