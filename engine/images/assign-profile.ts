import type { Metadata } from "sharp";
import { type AssignedSpace, spaceOfCodePoints, spaceOfPng } from "../color/assigned-profile.ts";
import { codePointsOfHeif } from "../color/heif-code-points.ts";
import { chromaticities, createIccProfile } from "../color/icc-profile.ts";
import { VisibleError } from "../errors.ts";
import { embedInJpeg } from "../metadata/embed-jpeg.ts";
import { embedInPng } from "../metadata/embed-png.ts";
import { isAdobeRgb } from "../metadata/exif.ts";
import type { ReadableFormat } from "./image-format.ts";
import { guardedSharp } from "./image-loaders.ts";

/**
 * The file with the color profile that its other fields name, because the decoders read only profiles. The
 * same bytes if it has a profile or is sRGB.
 *
 * @throws VisibleError `unsupported_image` for HDR; `subject` names the file
 */
export async function withAssignedProfile(
  bytes: Uint8Array,
  format: ReadableFormat,
  { icc, exif }: Pick<Metadata, "icc" | "exif">,
  subject: string,
): Promise<Uint8Array> {
  if (format === "png") {
    const profile = profileOf(spaceOfPng(bytes), subject);
    return profile ? embedInPng(bytes, { profile }) : bytes;
  }
  if (icc) return bytes;
  if (format === "jpeg" && exif && isAdobeRgb(exif))
    return embedInJpeg(bytes, { profile: createIccProfile(chromaticities.adobeRgb, 563 / 256) });
  const profile = format === "avif" && profileOf(spaceOfHeif(bytes), subject);
  if (!profile) return bytes;
  const png = await guardedSharp()(bytes, { failOn: "warning" }).png({ compressionLevel: 0 }).toBuffer();
  return embedInPng(png, { profile });
}

/** @throws VisibleError for HDR */
export function profileOf(space: AssignedSpace, subject: string): Uint8Array | undefined {
  if (space === "hdr")
    throw new VisibleError(
      "unsupported_image",
      `${subject} is an HDR photo (BT.2020, PQ or HLG); export it as an SDR JPEG first.`,
    );
  return space?.icc;
}

/** The color space of the primary image's code points. */
export function spaceOfHeif(bytes: Uint8Array): AssignedSpace {
  const points = codePointsOfHeif(bytes);
  return points && spaceOfCodePoints(points.primaries, points.transfer);
}
