import { embedInPng } from "../metadata/embed-png.ts";
import { metadataOfResult } from "../metadata/photo-metadata.ts";
import { type DecodedPixels, decodeToPixels } from "./decode-image.ts";
import { guardedSharp } from "./image-loaders.ts";

/**
 * Decodes an untrusted image and writes it as an upright PNG. decodeImage returns the same pixels, bit depth
 * and color space for both, in either `ColorProfileMode`. Of the metadata, everything that a result may keep
 * is kept.
 *
 * @param subject names the image in errors
 * @throws VisibleError as decodeImage does
 */
export async function normalizeImage(bytes: Uint8Array, subject: string): Promise<Buffer> {
  // `keep` leaves pixels of an RGB profile unconverted, so that both modes are possible later.
  const { profile, metadata = {}, ...decoded } = await decodeToPixels(bytes, subject, "keep");
  const png = await encodePng(decoded);
  return embedInPng(png, {
    ...metadataOfResult(metadata, { mode: "keep", hasIptc: true, isSrgb: profile === undefined }),
    ...(profile ? { profile: profile.icc } : {}),
  });
}

function encodePng({ pixels, width, height, channels, depth }: Omit<DecodedPixels, "profile" | "metadata">) {
  const raw = { width, height, channels: channels === 4 ? 4 : 3 } as const;
  const picture = guardedSharp()(channels > 4 ? firstThree(pixels, channels) : pixels, { raw });
  if (depth === 16) picture.toColourspace("rgb16");
  // Higher levels take several times as long and save little.
  return picture.png({ compressionLevel: 2, adaptiveFiltering: true }).toBuffer();
}

/** Red, green and blue of pixels with additional channels. */
function firstThree(pixels: Uint8Array | Uint16Array, channels: number): Uint8Array | Uint16Array {
  const length = (pixels.length / channels) * 3;
  const rgb = pixels.BYTES_PER_ELEMENT === 2 ? new Uint16Array(length) : new Uint8Array(length);
  for (let pixel = 0; pixel * 3 < length; pixel++)
    rgb.set(pixels.subarray(pixel * channels, pixel * channels + 3), pixel * 3);
  return rgb;
}
