import { fitToModel, type ModelSize } from "./fit-to-model.ts";
import { type ImageSource, openImage } from "./image-source.ts";
import type { DetailMode } from "./restore-detail.ts";
import type { RgbImage } from "./rgb-image.ts";
import { type FinishedImage, withTransparency } from "./with-transparency.ts";

/** A photo that is ready to be edited. */
export interface OpenPhoto {
  /** Of the photo itself, in pixels. */
  readonly width: number;
  readonly height: number;
  /** As the model takes it. */
  readonly image: RgbImage;
  /** An edit of `image` at the photo's own size and with its transparency. */
  finish(edited: RgbImage, detail?: DetailMode): FinishedImage;
}

/**
 * Decodes a photo and fits it to the model, once for several edits.
 *
 * @throws VisibleError for a photo that cannot be read or is too elongated; `subject` names it
 * @example
 * const photo = await openPhoto("photo.jpg", pipeline.imageSize);
 * const night = await edit(pipeline, photo, { text: "make it night" }, { seed: 0, steps: 2 });
 * const snow = await edit(pipeline, photo, { text: "make it snow" }, { seed: 0, steps: 2 });
 */
export async function openPhoto(
  source: ImageSource,
  size: ModelSize,
  subject = typeof source === "string" ? source : "The photo",
): Promise<OpenPhoto> {
  const original = await openImage(source, subject);
  const fitted = fitToModel(original.image, size, subject);
  const { width, height } = original.image;
  return {
    width,
    height,
    image: fitted.image,
    finish: (edited, detail) => withTransparency(original, fitted.restore(edited, detail)),
  };
}
