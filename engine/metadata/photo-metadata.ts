import { filterExif } from "./exif.ts";
import { filterIptc } from "./iptc.ts";
import { filterXmp, withIptcAsXmp } from "./xmp.ts";

/** Metadata of a photo's file, as stored. */
export interface PhotoMetadata {
  /** A TIFF structure, with or without the prefix `Exif\0\0`. */
  readonly exif?: Uint8Array;
  /** An XMP packet. */
  readonly xmp?: Uint8Array;
  /** IPTC IIM data sets, alone or in a Photoshop image resource block. */
  readonly iptc?: Uint8Array;
}

/**
 * The part of the photo's metadata that a result keeps: `safe` omits the location, `keep` includes it,
 * `strip` keeps nothing.
 */
export const metadataModes = ["safe", "keep", "strip"] as const;
export type MetadataMode = (typeof metadataModes)[number];

interface ResultMetadataOptions {
  readonly mode: MetadataMode;
  /** Whether the result has a slot for IPTC. If not, IPTC fields are written as XMP. */
  readonly hasIptc: boolean;
  /** Whether the result's color space is sRGB. */
  readonly isSrgb: boolean;
}

/**
 * Selects the metadata of a result from its photo's. Only known fields are kept. Fields that are wrong for
 * the result are omitted: orientation, dimensions, thumbnails, maker notes, regions, gain maps and the file's
 * history. Metadata that cannot be parsed is omitted.
 */
export function metadataOfResult(
  { exif, xmp, iptc }: PhotoMetadata,
  { mode, hasIptc, isSrgb }: ResultMetadataOptions,
): PhotoMetadata {
  if (mode === "strip") return {};
  const place = mode === "keep";
  const kept = {
    exif: exif && filterExif(exif, { place, isSrgb }),
    xmp: filterXmp(iptc && !hasIptc ? withIptcAsXmp(xmp, iptc) : xmp, place),
    iptc: iptc && hasIptc ? filterIptc(iptc, place) : undefined,
  };
  return {
    ...(kept.exif ? { exif: kept.exif } : {}),
    ...(kept.xmp ? { xmp: kept.xmp } : {}),
    ...(kept.iptc ? { iptc: kept.iptc } : {}),
  };
}
