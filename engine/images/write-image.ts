import { extname } from "node:path";
import type { Sharp } from "sharp";
import { VisibleError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import { embedInJpeg } from "../metadata/embed-jpeg.ts";
import { embedInPng } from "../metadata/embed-png.ts";
import { embedInWebp } from "../metadata/embed-webp.ts";
import { type MetadataMode, metadataOfResult, type PhotoMetadata } from "../metadata/photo-metadata.ts";
import type { PhotoProfile } from "./decode-image.ts";
import type { ImageFormat } from "./image-format.ts";
import { guardedSharp } from "./image-loaders.ts";
import { type RgbImage, toBytes, toUint16 } from "./rgb-image.ts";

export interface EncodeOptions {
  /**
   * [height, width], 0 is transparent, 255 is opaque. JPEG has no transparency, so the image is composited on
   * white.
   */
  readonly alpha?: Uint8Array;
  /** 1–100, default 92; PNG is lossless and ignores it. */
  readonly quality?: number;
  /** The color space of the image, with which it is tagged; sRGB if absent. */
  readonly profile?: PhotoProfile;
  /** Bits per channel; 8 if absent. Only PNG has 16. */
  readonly depth?: 16;
  /** Metadata of the photo, as stored. */
  readonly metadata?: PhotoMetadata;
  /** How much of it is written. Default: `safe`. */
  readonly metadataMode?: MetadataMode;
}

const formats: Readonly<Record<string, ImageFormat>> = {
  ".jpg": "jpeg",
  ".jpeg": "jpeg",
  ".png": "png",
  ".webp": "webp",
  ".avif": "avif",
};

/** File extension of a format, with the dot. */
export const extensionOfFormat: Readonly<Record<ImageFormat, string>> = {
  jpeg: ".jpg",
  png: ".png",
  webp: ".webp",
  avif: ".avif",
};

const encoders: Readonly<Record<ImageFormat, (picture: Sharp, quality: number) => Sharp>> = {
  jpeg: (picture, quality) =>
    picture.flatten({ background: "#ffffff" }).jpeg({ quality, chromaSubsampling: "4:4:4" }),
  png: (picture) => picture.png({ compressionLevel: 9 }),
  webp: (picture, quality) => picture.webp({ quality }),
  avif: (picture, quality) => picture.avif({ quality: Math.round(quality * 0.75), effort: 3 }),
};

/** [height, width, 3] and [height, width] → [height, width, 4]. */
function interleaveAlpha(rgb: Uint8Array | Uint16Array, alpha: Uint8Array): Uint8Array | Uint16Array {
  const deep = rgb.BYTES_PER_ELEMENT === 2;
  const rgba = deep ? new Uint16Array(alpha.length * 4) : new Uint8Array(alpha.length * 4);
  for (let pixel = 0; pixel < alpha.length; pixel++) {
    rgba.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    rgba[pixel * 4 + 3] = alpha[pixel]! * (deep ? 257 : 1);
  }
  return rgba;
}

/**
 * Encodes an image in memory. Of `metadata`, what holds for the result is written.
 *
 * @example
 * const { image } = await decodeImage("photo.jpg");
 * const bytes = await encodeImage(image, "webp", { quality: 80 });
 */
export async function encodeImage(
  image: RgbImage,
  format: ImageFormat,
  { alpha, quality = 92, metadata = {}, metadataMode: mode = "safe", profile, depth }: EncodeOptions = {},
): Promise<Buffer> {
  const deep = depth === 16 && format === "png";
  const rgb = deep ? toUint16(image) : toBytes(image);
  const pixels = alpha ? interleaveAlpha(rgb, alpha) : rgb;
  const raw = { width: image.width, height: image.height, channels: alpha ? 4 : 3 } as const;
  const isSrgb = profile === undefined;
  const kept = {
    ...metadataOfResult(metadata, { mode, hasIptc: format === "jpeg", isSrgb }),
    ...(profile ? { profile: profile.icc } : {}),
  };
  const picture = guardedSharp()(pixels, { raw });
  if (deep) picture.toColourspace("rgb16");
  if (Object.keys(kept).length === 0) return encoders[format](picture, quality).toBuffer();
  if (format !== "avif")
    return embedders[format](await encoders[format](picture, quality).toBuffer(), kept, image);
  // libheif writes the boxes of an AVIF, from a PNG that has the metadata.
  const png = embedInPng(await picture.png({ compressionLevel: 0 }).toBuffer(), kept);
  return encoders.avif(guardedSharp()(png).keepMetadata(), quality).toBuffer();
}

const embedders = { jpeg: embedInJpeg, png: embedInPng, webp: embedInWebp };

/** The format of a file extension such as ".JPG"; undefined if it cannot be written. */
export const formatOfExtension = (extension: string): ImageFormat | undefined =>
  formats[extension.toLowerCase()];

/** The format of `path`'s extension. @throws VisibleError if it cannot be written */
function formatOfPath(path: string): ImageFormat {
  const format = formatOfExtension(extname(path));
  if (!format)
    throw new VisibleError(
      "unsupported_output",
      `${path} has no known image extension; use .png, .jpg, .webp or .avif.`,
    );
  return format;
}

/**
 * Writes an image atomically, in the format of `path`'s extension. See writeAtomically for the errors.
 *
 * @example
 * const { image } = await decodeImage("photo.jpg");
 * await writeImage("photo.png", image);
 */
export async function writeImage(path: string, image: RgbImage, options: EncodeOptions = {}): Promise<void> {
  await writeAtomically(path, await encodeImage(image, formatOfPath(path), options));
}
