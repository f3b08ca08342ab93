/** Decodes untrusted image files to RgbImage, with an error message for every kind of failure. */
import type { Metadata } from "sharp";
import { defined } from "../../shared/defined.ts";
import { parseIccProfile } from "../color/icc-profile.ts";
import { isSameSpace, type RgbProfile, srgb } from "../color/rgb-profile.ts";
import { VisibleError } from "../errors.ts";
import { iptcOfPng } from "../metadata/embed-png.ts";
import { filterExif } from "../metadata/exif.ts";
import type { PhotoMetadata } from "../metadata/photo-metadata.ts";
import { withAssignedProfile } from "./assign-profile.ts";
import type { ColorProfileMode } from "./color-profile-mode.ts";
import { countScans } from "./count-scans.ts";
import { heicToPng } from "./decode-heic.ts";
import { detectFormat, type ReadableFormat, readableFormats, refusedFormats } from "./image-format.ts";
import { guardedSharp } from "./image-loaders.ts";
import { readImageFile } from "./read-image-file.ts";
import { createRgbImage, fromBytes, type RgbImage } from "./rgb-image.ts";

/** Maximum width × height. 50 megapixels take 600 MB as floats. */
const maxPixels = 50_000_000;
/** Maximum side in pixels. */
const maxSide = 20_000;

/** Maximum number of scans of a JPEG. */
const maxScans = 100;

export interface Transparency {
  /** [height, width], 0 is transparent, 255 is opaque. */
  readonly alpha: Uint8Array;
  /** The file's colors without compositing. */
  readonly colors: RgbImage;
}

/** The color space of a photo, and its ICC profile. */
export interface PhotoProfile extends RgbProfile {
  readonly icc: Uint8Array;
}

export interface DecodedImage {
  /**
   * Upright, in sRGB or the color space of `profile`; transparent parts are composited on white, as viewers
   * show them.
   */
  readonly image: RgbImage;
  /** Present only with `keep`, and if it is not sRGB. */
  readonly profile?: PhotoProfile;
  /** Present if the file is a PNG or TIFF with 16 bits per channel. */
  readonly depth?: 16;
  readonly format: ReadableFormat;
  /** Present if any pixel is not opaque; `withTransparency` applies it to an edited image. */
  readonly transparency?: Transparency;
  /** Whether the EXIF orientation required a rotation or mirroring, which has been applied. */
  readonly hadOrientation: boolean;
  /** As stored in the file; absent if it has none. */
  readonly metadata?: PhotoMetadata;
}

const isReadable = (format: string): format is ReadableFormat => Object.hasOwn(readableFormats, format);

function requireFormat(bytes: Uint8Array, subject: string): ReadableFormat {
  if (bytes.length === 0)
    throw new VisibleError("image_empty", `${subject} is empty (0 bytes); copy or download it again.`);
  const format = detectFormat(bytes);
  if (format === undefined)
    throw new VisibleError(
      "unsupported_image",
      `${subject} is not a supported image; use JPEG, PNG, WebP, AVIF, HEIC or TIFF.`,
    );
  if (!isReadable(format))
    throw new VisibleError("unsupported_image", `${subject} is ${refusedFormats[format]}.`);
  return format;
}

function requireFewScans(subject: string, bytes: Uint8Array): void {
  const scans = countScans(bytes);
  if (scans > maxScans)
    throw new VisibleError(
      "image_too_complex",
      `${subject} is a JPEG with ${scans} scans, which would take minutes to decode; the limit is ${maxScans}. Save it again.`,
    );
}

function requireSingleImage(subject: string, format: ReadableFormat, pages: number): void {
  // Additional pages of a TIFF are thumbnails or layers; the first is the image.
  if (pages > 1 && format !== "tiff")
    throw new VisibleError(
      "unsupported_image",
      `${subject} is an animation of ${pages} frames; save one frame as PNG first.`,
    );
}

function requireModestSize(subject: string, { width, height }: Pick<Metadata, "width" | "height">): void {
  if (width > maxSide || height > maxSide || width * height > maxPixels)
    throw new VisibleError(
      "image_too_large",
      `${subject} is ${width}×${height} pixels; the limits are ${maxSide} pixels per side and ${maxPixels / 1e6} megapixels. Scale it down first.`,
    );
}

/** [height, width, 4] interleaved → the image on white and, unless fully opaque, its transparency. */
function splitAlpha(
  bytes: Uint8Array | Uint16Array,
  width: number,
  height: number,
): Pick<DecodedImage, "image" | "transparency"> {
  const colors = fromBytes(bytes, width, height, 4);
  const area = width * height;
  const alpha = new Uint8Array(area);
  const step = bytes.BYTES_PER_ELEMENT === 2 ? 257 : 1;
  let opaque = true;
  for (let pixel = 0; pixel < area; pixel++) {
    alpha[pixel] = Math.round(bytes[pixel * 4 + 3]! / step);
    opaque &&= alpha[pixel] === 255;
  }
  if (opaque) return { image: colors };
  const onWhite = colors.data.map((value, index) => 1 + ((value - 1) * alpha[index % area]!) / 255);
  return { image: createRgbImage(width, height, onWhite), transparency: { alpha, colors } };
}

type StoredMetadata = Pick<Metadata, "exif" | "iptc" | "xmp" | "icc" | "orientation">;

/** HEIC is decoded elsewhere; here only its metadata is read, and none if that fails. */
async function storedMetadata(bytes: Uint8Array, format: ReadableFormat): Promise<Partial<Metadata>> {
  const stored = guardedSharp()(bytes, { limitInputPixels: false }).metadata();
  return format === "heic" ? stored.catch(() => ({})) : stored;
}

/** The file as its decoder needs it: HEIC as PNG, and with a profile for its color space. */
async function decodableFile(
  bytes: Uint8Array,
  format: ReadableFormat,
  stored: Partial<Metadata>,
  name: string,
): Promise<Uint8Array> {
  if (format === "heic") return heicToPng(bytes, stored.icc, name, { maxSide, maxPixels });
  const { width = 0, height = 0, pages = 1 } = stored;
  requireModestSize(name, { width, height });
  requireSingleImage(name, format, pages);
  return withAssignedProfile(bytes, format, stored, name);
}

async function decodePixels(file: Uint8Array, format: ReadableFormat, colorProfile: ColorProfileMode) {
  const sharp = guardedSharp();
  const { icc, depth: stored } = await sharp(file, { limitInputPixels: false }).metadata();
  const profile = colorProfile === "keep" && icc ? wideProfile(icc) : undefined;
  const depth = stored === "ushort" && (format === "png" || format === "tiff") ? 16 : undefined;
  const upright = sharp(file, {
    failOn: "warning",
    limitInputPixels: maxPixels,
    ignoreIcc: profile !== undefined,
  }).autoOrient();
  // Without a requested profile, libvips treats 16-bit pixels of another profile as sRGB.
  if (icc && !profile && stored === "ushort") upright.withIccProfile("srgb");
  const { data, info } = await upright
    .toColourspace(depth ? "rgb16" : "srgb")
    .raw({ depth: depth ? "ushort" : "uchar" })
    .toBuffer({ resolveWithObject: true });
  const pixels = depth ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  return { pixels, info, depth, profile } as const;
}

/** Bytes of a profile that a result may carry; profiles of primaries and curves have a few thousand. */
const maxProfileBytes = 2 ** 19;

function wideProfile(icc: Uint8Array): PhotoProfile | undefined {
  const parsed = icc.length > maxProfileBytes ? undefined : parseIccProfile(icc);
  return parsed && !isSameSpace(parsed, srgb) ? { icc, ...parsed } : undefined;
}

/** Metadata as stored. A TIFF file is itself the structure of directories that Exif consists of. */
function metadataOf(
  bytes: Uint8Array,
  format: ReadableFormat,
  { xmp, iptc, ...stored }: StoredMetadata,
): Pick<DecodedImage, "metadata"> {
  const exif = format === "tiff" ? filterExif(bytes, { place: true, isSrgb: true }) : stored.exif;
  const found = defined({ exif, xmp, iptc: format === "png" ? iptcOfPng(bytes) : iptc });
  return Object.keys(found).length ? { metadata: found } : {};
}

/** Decoded pixels and their description in the file. */
export interface DecodedPixels
  extends Pick<DecodedImage, "profile" | "depth" | "format" | "hadOrientation" | "metadata"> {
  readonly width: number;
  readonly height: number;
  /** Per pixel: red, green, blue and, if there are four, alpha. */
  readonly channels: number;
  /** [height, width, channels], upright. */
  readonly pixels: Uint8Array | Uint16Array;
}

/** As decodeImage, without conversion to floats. */
export async function decodeToPixels(
  bytes: Uint8Array,
  name: string,
  colorProfile: ColorProfileMode,
): Promise<DecodedPixels> {
  const format = requireFormat(bytes, name);
  if (format === "jpeg") requireFewScans(name, bytes);
  try {
    const stored = await storedMetadata(bytes, format);
    const file = await decodableFile(bytes, format, stored, name);
    const { pixels, info, depth, profile } = await decodePixels(file, format, colorProfile);
    return {
      pixels,
      width: info.width,
      height: info.height,
      channels: info.channels,
      format,
      hadOrientation: format !== "heic" && (stored.orientation ?? 1) !== 1,
      ...defined({ profile, depth }),
      ...metadataOf(bytes, format, stored),
    };
  } catch (cause) {
    if (cause instanceof VisibleError) throw cause;
    throw new VisibleError(
      "damaged_image",
      `${name} is a damaged or truncated ${format.toUpperCase()} file; copy or export it again.`,
      { cause },
    );
  }
}

/**
 * Decodes JPEG, PNG, WebP, AVIF, HEIC or TIFF, detected by content, from a path or from memory. Applies the
 * orientation and converts ICC profiles, CMYK and grayscale to sRGB. Wide gamuts (Display P3, Adobe RGB,
 * ProPhoto) are clipped to sRGB unless `colorProfile` is `keep`.
 *
 * @param subject names the image in errors; by default its path
 * @throws VisibleError for any other format, a damaged file, or too many pixels
 * @example
 * const { image, format } = await decodeImage("photo.jpg");
 * console.log(format, image.width, image.height);
 */
export async function decodeImage(
  source: string | Uint8Array,
  subject?: string,
  colorProfile: ColorProfileMode = "srgb",
): Promise<DecodedImage> {
  const name = subject ?? (typeof source === "string" ? source : "The uploaded image");
  const bytes = typeof source === "string" ? await readImageFile(source) : source;
  const { pixels, width, height, channels, ...facts } = await decodeToPixels(bytes, name, colorProfile);
  const image =
    channels === 4
      ? splitAlpha(pixels, width, height)
      : { image: fromBytes(pixels, width, height, channels) };
  return { ...image, ...facts };
}
