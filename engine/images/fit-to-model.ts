import { InternalError, VisibleError } from "../errors.ts";
import { resizeImage } from "./resize-image.ts";
import { type DetailMode, restoreDetail } from "./restore-detail.ts";
import { cropImage, padImage, type RgbImage } from "./rgb-image.ts";

export interface ModelSize {
  /**
   * The side of the square pictures the model was trained on, pixels. A picture is scaled to that *area* (resolution²),
   * whatever its shape, so that objects and the cost of a step stay about what the model is used to.
   */
  readonly resolution: number;
  /** Both sides handed to the model are multiples of this, pixels. */
  readonly multiple: number;
  /** The very size to hand to the model instead, both sides multiples: the picture is scaled to lie in it whole. */
  readonly exact?: { readonly width: number; readonly height: number };
}

interface FittedImage {
  /** For the model: aspect kept, sides padded to the multiple by repeating the edge, evenly on both sides. */
  readonly image: RgbImage;
  /** Undoes it on an edited picture of `image`'s size: crops the padding, and returns to the original's size. */
  restore(edited: RgbImage, detail?: DetailMode): RgbImage;
}

/** Longest over shortest side beyond which nothing sensible is left of the short one. */
export const maximumElongation = 8;

/**
 * Scales and pads `image` to suit the model. `detail` of restore says how what the small copy lost comes back (see
 * restore-detail.ts); the default "transfer" came closest to the true edit of the three, on synthetic edits and on the
 * demo's photos, and changes nothing where no resizing was needed.
 * VisibleError when the picture is more elongated than maximumElongation.
 */
export function fitToModel(
  image: RgbImage,
  { resolution, multiple, exact }: ModelSize,
  subject = "The image",
): FittedImage {
  const { width, height } = image;
  if (Math.max(width / height, height / width) > maximumElongation)
    throw new VisibleError(
      "image_too_elongated",
      `${subject} is ${width}×${height}, longer than ${maximumElongation}:1; crop it to the part that you want edited.`,
    );
  const scale = exact
    ? Math.min(exact.width / width, exact.height / height)
    : resolution / Math.sqrt(width * height);
  // A side that is within half a percent of fitting is left alone: no needless blur.
  const near = Math.abs(scale - 1) < 0.005 && !(exact && (width > exact.width || height > exact.height));
  const scaled = near ? 1 : scale;
  const inner = resizeImage(
    image,
    Math.max(1, Math.round(width * scaled)),
    Math.max(1, Math.round(height * scaled)),
  );
  const extraX = exact ? exact.width - inner.width : (multiple - (inner.width % multiple)) % multiple;
  const extraY = exact ? exact.height - inner.height : (multiple - (inner.height % multiple)) % multiple;
  const [left, top] = [Math.floor(extraX / 2), Math.floor(extraY / 2)];
  const padded =
    extraX + extraY === 0
      ? inner
      : padImage(inner, { left, top, right: extraX - left, bottom: extraY - top });
  return {
    image: padded,
    restore(edited, detail = "transfer") {
      if (edited.width !== padded.width || edited.height !== padded.height)
        throw new InternalError(
          `restore: ${edited.width}×${edited.height} is not ${padded.width}×${padded.height}`,
        );
      const cropped = cropImage(edited, { left, top, width: inner.width, height: inner.height });
      return restoreDetail(image, inner, cropped, detail);
    },
  };
}
