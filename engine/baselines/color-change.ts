import { psnr } from "../image-quality/psnr.ts";
import type { ImagePair } from "../pairs/fit-pairs.ts";
import { crossValidatedPsnr } from "./fit-edit.ts";

/**
 * From this closeness on, in dB, a pair counts as a change of colors alone. On 24 tonal and other edits of the first evaluation set
 * polynomials of colors reached 36 dB and more where the edit was one, 13 to 19 where it was not (sketches, neon edges, vignettes),
 * and 30 to 33 where it was one that the polynomial follows only roughly (solarized, thermal).
 */
const leastDecibels = 30;
/** How much of the edit the map must explain, in dB over no edit at all; a weak edit of any kind is close to none. */
const leastGain = 6;

/** How closely a map of colors repeats the pairs on parts of the images that it was not fitted to, in dB. */
export function colorMapPsnr(pairs: readonly ImagePair[]): number {
  return crossValidatedPsnr(pairs, "cubic");
}

/**
 * A sentence for a user who wants to learn from pairs that a lookup table repeats better; undefined where none does.
 *
 * @param command that makes the table
 */
export function colorChangeWarning(pairs: readonly ImagePair[], command: string): string | undefined {
  const mapped = colorMapPsnr(pairs);
  const unedited = Math.min(...pairs.map(({ before, after }) => psnr(before, after)));
  if (mapped < leastDecibels || mapped < unedited + leastGain) return undefined;
  return (
    `${pairs.length === 1 ? "The pair is" : "The pairs are"} a change of colors alone, which a 3D lookup table repeats to ` +
    `${mapped.toFixed(1)} dB on parts of the image that it was not fitted to, at any size and in real time: ${command}`
  );
}
