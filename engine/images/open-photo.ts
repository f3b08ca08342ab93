import type { ColorProfileMode } from "./color-profile-mode.ts";
import { fitToModel, type ModelSize } from "./fit-to-model.ts";
import { type ImageSource, openImage } from "./image-source.ts";
import { blendByMask, fitMask, maskOf } from "./mask-image.ts";
import type { DetailMode } from "./restore-detail.ts";
import type { RgbImage } from "./rgb-image.ts";
import { type FinishedImage, withTransparency } from "./with-transparency.ts";

/** A photo prepared for editing. */
export interface OpenPhoto {
  /** Size of the original photo in pixels. */
  readonly width: number;
  readonly height: number;
  /** The photo resized for the model, in sRGB. */
  readonly image: RgbImage;
  /** Mask for the pixels of `image`; absent without a mask. */
  readonly mask?: Float32Array;
  /** Returns an edit of `image` at the photo's original size, with its transparency. */
  finish(edited: RgbImage, detail?: DetailMode): FinishedImage;
}

export interface PhotoOptions {
  /** A mask image with the photo's aspect ratio. */
  readonly mask?: ImageSource;
  /** Default: `srgb`. */
  readonly colorProfile?: ColorProfileMode;
}

/**
 * Decodes a photo and resizes it for the model, once for several edits.
 *
 * @param options `mask`: white is edited, black is kept. `colorProfile`: `keep` returns edits in the photo's
 * own color space
 * @throws VisibleError for an unreadable or too elongated photo; `subject` names it
 * @example
 * const photo = await openPhoto("photo.jpg", pipeline.imageSize);
 * const night = await edit(pipeline, photo, { text: "make it night" }, { seed: 0, steps: 2 });
 * const snow = await edit(pipeline, photo, { text: "make it snow" }, { seed: 0, steps: 2 });
 */
export async function openPhoto(
  source: ImageSource,
  size: ModelSize,
  subject = typeof source === "string" ? source : "The photo",
  { mask, colorProfile }: PhotoOptions = {},
): Promise<OpenPhoto> {
  const original = await openImage(source, subject, colorProfile);
  const fitted = fitToModel(original.image, size, subject, original.profile);
  const { width, height } = original.image;
  const maskName = typeof mask === "string" ? mask : "of the photo";
  const area =
    mask === undefined
      ? undefined
      : fitMask((await openImage(mask, maskName)).image, original.image, { mask: maskName, photo: subject });
  return {
    width,
    height,
    image: fitted.image,
    ...(area ? { mask: maskOf(fitToModel(area, size, maskName).image) } : {}),
    finish(edited, detail) {
      const restored = fitted.restore(edited, detail);
      return withTransparency(original, area ? blendByMask(original.image, restored, area) : restored);
    },
  };
}
