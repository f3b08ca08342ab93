import { defined } from "../../shared/defined.ts";
import { InternalError } from "../errors.ts";
import type { PhotoMetadata } from "../metadata/photo-metadata.ts";
import type { DecodedImage, PhotoProfile } from "./decode-image.ts";
import { createRgbImage, type RgbImage } from "./rgb-image.ts";

/** The fields of a decoded photo that `withTransparency` uses. */
export type PhotoPixels = Pick<DecodedImage, "image" | "transparency" | "metadata" | "profile" | "depth">;

export interface FinishedImage {
  readonly image: RgbImage;
  /** [height, width], 0 is transparent, 255 is opaque; absent if the image is opaque. */
  readonly alpha?: Uint8Array;
  /** Of the photo, as stored; `encodeImage` selects what holds for the result. */
  readonly metadata?: PhotoMetadata;
  /** The color space of `image`; sRGB if absent. */
  readonly profile?: PhotoProfile;
  /** Bits per channel of the photo; 8 if absent. */
  readonly depth?: 16;
}

/**
 * Applies the original's transparency to an edited image. The model's input was the composite on white.
 * Applying its change to the original's colors (colors + edited − composite) avoids a white fringe, and an
 * edit that changes nothing returns the original exactly. Metadata, profile and depth are passed on. `edited`
 * has the original's size.
 */
export function withTransparency(original: PhotoPixels, edited: RgbImage): FinishedImage {
  const { transparency, image: composite, metadata, profile, depth } = original;
  const kept = defined({ metadata, profile, depth });
  if (!transparency) return { image: edited, ...kept };
  if (edited.data.length !== composite.data.length)
    throw new InternalError(
      `${edited.width}×${edited.height} cannot take an alpha of ${composite.width}×${composite.height}`,
    );
  const data = transparency.colors.data.map((color, index) =>
    Math.min(1, Math.max(-1, color + edited.data[index]! - composite.data[index]!)),
  );
  return { image: createRgbImage(edited.width, edited.height, data), alpha: transparency.alpha, ...kept };
}
