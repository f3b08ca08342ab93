/** Decodes untrusted image files to RgbImage, with an error message for every kind of failure. */
import type { Metadata } from "sharp";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../errors.ts";
import { filterExif } from "../metadata/exif.ts";
import type { PhotoMetadata } from "../metadata/photo-metadata.ts";
import { countScans } from "./count-scans.ts";
import { heicToPng } from "./decode-heic.ts";
import { detectFormat, type ReadableFormat, readableFormats, refusedFormats } from "./image-format.ts";
import { guardedSharp } from "./image-loaders.ts";
import { readImageFile } from "./read-image-file.ts";
import { createRgbImage, fromBytes, type RgbImage } from "./rgb-image.ts";

/** Maximum width × height. 50 megapixels take 600 MB as floats. */
const maximumPixels = 50_000_000;
/** Maximum side in pixels. */
const maximumSide = 20_000;

/** Maximum number of scans of a JPEG. */
const maximumScans = 100;

export interface Transparency {
  /** [height, width], 0 is transparent, 255 is opaque. */
  readonly alpha: Uint8Array;
  /** The file's colors without compositing. */
  readonly colours: RgbImage;
}

export interface DecodedImage {
  /** Upright, in sRGB; transparent parts are composited on white, as viewers show them. */
  readonly image: RgbImage;
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
  if (scans > maximumScans)
    throw new VisibleError(
      "image_too_complex",
      `${subject} is a JPEG with ${scans} scans, which would take minutes to decode; the limit is ${maximumScans}. Save it again.`,
    );
}

function requireOnePicture(subject: string, format: ReadableFormat, { pages = 1 }: Metadata): void {
  // Additional pages of a TIFF are thumbnails or layers; the first is the image.
  if (pages > 1 && format !== "tiff")
    throw new VisibleError(
      "unsupported_image",
      `${subject} is an animation of ${pages} frames; save one frame as PNG first.`,
    );
}

function requireModestSize(subject: string, { width, height }: Metadata): void {
  if (width > maximumSide || height > maximumSide || width * height > maximumPixels)
    throw new VisibleError(
      "image_too_large",
      `${subject} is ${width}×${height} pixels; the limits are ${maximumSide} pixels per side and ${maximumPixels / 1e6} megapixels. Scale it down first.`,
    );
}

/** [height, width, 4] interleaved → the image on white and, unless fully opaque, its transparency. */
function splitAlpha(
  bytes: Uint8Array,
  width: number,
  height: number,
): Pick<DecodedImage, "image" | "transparency"> {
  const colours = fromBytes(bytes, width, height, 4);
  const area = width * height;
  const alpha = new Uint8Array(area);
  let opaque = true;
  for (let pixel = 0; pixel < area; pixel++) {
    alpha[pixel] = bytes[pixel * 4 + 3]!;
    opaque &&= alpha[pixel] === 255;
  }
  if (opaque) return { image: colours };
  const onWhite = colours.data.map((value, index) => 1 + ((value - 1) * alpha[index % area]!) / 255);
  return { image: createRgbImage(width, height, onWhite), transparency: { alpha, colours } };
}

/** Metadata as stored. A TIFF file is itself the structure of directories that Exif consists of. */
async function metadataOf(
  bytes: Uint8Array,
  format: ReadableFormat,
): Promise<Pick<DecodedImage, "metadata">> {
  const { xmp, iptc, ...stored } = await guardedSharp()(bytes, { limitInputPixels: false }).metadata();
  const exif = format === "tiff" ? filterExif(bytes, { place: true, isSrgb: true }) : stored.exif;
  return exif || xmp || iptc ? { metadata: defined({ exif, xmp, iptc }) } : {};
}

/**
 * Decodes JPEG, PNG, WebP, AVIF, HEIC or TIFF, detected by content, from a path or from memory. Applies the
 * orientation and converts ICC profiles, CMYK, grayscale and 10 or 16 bits to 8-bit sRGB. Wide gamuts
 * (Display P3, Adobe RGB, ProPhoto) are clipped to sRGB.
 *
 * @param subject names the image in errors; by default its path
 * @throws VisibleError for any other format, a damaged file, or too many pixels
 * @example
 * const { image, format } = await decodeImage("photo.jpg");
 * console.log(format, image.width, image.height);
 */
export async function decodeImage(source: string | Uint8Array, subject?: string): Promise<DecodedImage> {
  const name = subject ?? (typeof source === "string" ? source : "The uploaded image");
  const bytes = typeof source === "string" ? await readImageFile(source) : source;
  const format = requireFormat(bytes, name);
  if (format === "jpeg") requireFewScans(name, bytes);
  try {
    const sharp = guardedSharp();
    const file = format === "heic" ? await heicToPng(bytes, name, { maximumSide, maximumPixels }) : bytes;
    const metadata = await sharp(file, { limitInputPixels: false }).metadata();
    requireModestSize(name, metadata);
    requireOnePicture(name, format, metadata);
    const upright = sharp(file, { failOn: "warning", limitInputPixels: maximumPixels }).autoOrient();
    // Without a requested profile, libvips treats 16-bit pixels of another profile as sRGB.
    if (metadata.hasProfile && metadata.depth === "ushort") upright.withIccProfile("srgb");
    const { data, info } = await upright
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return {
      ...(channels === 4
        ? splitAlpha(data, width, height)
        : { image: fromBytes(data, width, height, channels) }),
      format,
      hadOrientation: (metadata.orientation ?? 1) !== 1,
      ...(await metadataOf(bytes, format)),
    };
  } catch (cause) {
    if (cause instanceof VisibleError) throw cause;
    throw new VisibleError(
      "damaged_image",
      `${name} is damaged or truncated ${format.toUpperCase()} and cannot be decoded; copy or export it again.`,
      { cause },
    );
  }
}
