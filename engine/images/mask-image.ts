import { fitsPhoto } from "../../shared/mask-shape.ts";
import { VisibleError } from "../errors.ts";
import { boxMean } from "./box-mean.ts";
import { midSentence } from "./mid-sentence.ts";
import { resizeImage } from "./resize-image.ts";
import { createRgbImage, type RgbImage } from "./rgb-image.ts";

/** Width of the mask's feathering in the result, relative to the longer side. */
const feather = 1 / 128;

/**
 * Resizes a mask to its photo, with feathered edges: white is edited, black is kept.
 *
 * @throws VisibleError `invalid_mask` if its aspect ratio differs or it is black everywhere
 */
export function fitMask(
  mask: RgbImage,
  photo: RgbImage,
  names: { readonly mask: string; readonly photo: string },
): RgbImage {
  if (!fitsPhoto(mask, photo))
    throw new VisibleError(
      "invalid_mask",
      `The mask ${names.mask} is ${mask.width}×${mask.height} and ${midSentence(names.photo)} is ${photo.width}×${photo.height}; use a mask with the photo's aspect ratio.`,
    );
  const { width, height } = photo;
  const { data } = resizeImage(mask, width, height);
  const area = width * height;
  const gray = Float64Array.from(
    { length: area },
    (_, i) => (data[i]! + data[area + i]! + data[2 * area + i]!) / 3,
  );
  if (gray.every((value) => value < -0.9))
    throw new VisibleError(
      "invalid_mask",
      `The mask ${names.mask} is completely black, so nothing would be edited; paint the part to edit white.`,
    );
  const faded = boxMean(gray, width, height, Math.round(Math.max(width, height) * feather));
  return createRgbImage(width, height, Float32Array.from([...faded, ...faded, ...faded]));
}

/** Gray values this close to black or white are rounded to it: half a step of 8 bits. */
const snap = 1 / 512;

/** A gray image as a mask: 0 for black, 1 for white, [height · width]. */
export function maskOf({ width, height, data }: RgbImage): Float32Array {
  return data
    .subarray(0, width * height)
    .map((value) => Math.min(1, Math.max(0, ((value + 1) / 2 - snap) / (1 - 2 * snap))));
}

/** Blends `edited` (mask white) and `photo` (mask black); all of one size. */
export function blendByMask(photo: RgbImage, edited: RgbImage, mask: RgbImage): RgbImage {
  const weights = maskOf(mask);
  const blended = photo.data.map(
    (value, i) => value + weights[i % weights.length]! * (edited.data[i]! - value),
  );
  return createRgbImage(photo.width, photo.height, blended);
}
