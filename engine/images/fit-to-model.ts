import { convertPixels, type RgbProfile, srgb } from "../color/rgb-profile.ts";
import { InternalError, VisibleError } from "../errors.ts";
import { resizeImage } from "./resize-image.ts";
import { type DetailMode, restoreDetail } from "./restore-detail.ts";
import { createRgbImage, cropImage, padImage, type RgbImage } from "./rgb-image.ts";

export interface ModelSize {
  /**
   * Side in pixels of the square images that the model was trained on. Images of any aspect ratio are resized
   * to about resolution² pixels, which keeps objects and the cost of a step near those of training.
   */
  readonly resolution: number;
  /** Both sides of the model's input are multiples of this, in pixels. */
  readonly multiple: number;
  /** An exact input size instead, both sides multiples. The whole image is scaled to fit inside. */
  readonly exact?: { readonly width: number; readonly height: number };
}

interface FittedImage {
  /**
   * Input for the model: the aspect ratio is kept, and sides are padded to the multiple by repeating edge
   * pixels, evenly on both sides.
   */
  readonly image: RgbImage;
  /**
   * Reverses the resizing of an edited image of `image`'s size: crops the padding and returns to the original
   * size.
   */
  restore(edited: RgbImage, detail?: DetailMode): RgbImage;
}

/** Maximum aspect ratio; beyond it the short side becomes too small. */
export const maxElongation = 8;

/**
 * Scales and pads `image` for the model. The `detail` mode of restore determines how lost detail returns (see
 * restore-detail.ts). The default "transfer" came closest to the true edit of the three, on synthetic edits
 * and on the demo's photos; it changes nothing if no resizing was needed.
 *
 * @param profile the color space of `image`, if it is not sRGB. The model's image is in sRGB, and `restore`
 * returns to this space
 * @throws VisibleError if the image is more elongated than maxElongation
 */
export function fitToModel(
  image: RgbImage,
  { resolution, multiple, exact }: ModelSize,
  subject = "The image",
  profile?: RgbProfile,
): FittedImage {
  const { width, height } = image;
  if (Math.max(width / height, height / width) > maxElongation)
    throw new VisibleError(
      "image_too_elongated",
      `${subject} is ${width}×${height}, longer than ${maxElongation}:1; crop it to the part to edit.`,
    );
  const scale = exact
    ? Math.min(exact.width / width, exact.height / height)
    : resolution / Math.sqrt(width * height);
  // A size within half a percent is kept, to avoid blur.
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
  const forModel = profile ? convertImage(padded, profile, srgb) : padded;
  const inside = { left, top, width: inner.width, height: inner.height };
  return {
    image: forModel,
    restore(edited, detail = "transfer") {
      if (edited.width !== padded.width || edited.height !== padded.height)
        throw new InternalError(
          `restore: ${edited.width}×${edited.height} is not ${padded.width}×${padded.height}`,
        );
      const cropped = cropImage(edited, inside);
      if (!profile) return restoreDetail(image, inner, cropped, detail);
      // The model's input, so that colors outside sRGB count as detail.
      const seen = convertImage(cropImage(forModel, inside), srgb, profile);
      return restoreDetail(image, seen, convertImage(cropped, srgb, profile), detail);
    },
  };
}

const convertImage = ({ width, height, data }: RgbImage, from: RgbProfile, to: RgbProfile): RgbImage =>
  createRgbImage(width, height, convertPixels(data, from, to));
