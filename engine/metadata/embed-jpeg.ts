import type { FileMetadata } from "./embed-metadata.ts";

const [startOfImage, app0, app1, app2, app13] = [0xd8, 0xe0, 0xe1, 0xe2, 0xed];
/** Maximum content of a segment in bytes; its length field includes itself. */
const maxSegment = 65_533;
const profileHeader = "ICC_PROFILE\0";

/**
 * Inserts metadata after a JPEG's first segments (SOI, JFIF): Exif and XMP in APP1, IPTC in APP13, the color
 * profile in APP2. Metadata that does not fit into a segment of 64 KB is left out.
 */
export function embedInJpeg(jpeg: Uint8Array, { exif, xmp, iptc, profile }: FileMetadata): Buffer {
  const segments = [
    ...(exif ? [segment(app1, "Exif\0\0", exif)] : []),
    ...(xmp ? [segment(app1, "http://ns.adobe.com/xap/1.0/\0", xmp)] : []),
    ...(profile ? profileSegments(profile) : []),
    ...(iptc ? [segment(app13, "", iptc)] : []),
  ];
  const after = jpeg[3] === app0 ? 4 + jpeg[4]! * 256 + jpeg[5]! : 2;
  if (jpeg[1] !== startOfImage) throw new RangeError("not a JPEG");
  return Buffer.concat([jpeg.subarray(0, after), ...segments, jpeg.subarray(after)]);
}

function segment(marker: number, header: string, content: Uint8Array): Buffer {
  const length = header.length + content.length;
  if (length > maxSegment) return Buffer.alloc(0);
  const start = Buffer.from([0xff, marker, (length + 2) >> 8, (length + 2) & 0xff]);
  return Buffer.concat([start, Buffer.from(header, "latin1"), content]);
}

/** A profile is split over several segments, each with its number and their total (ICC.1, B.4). */
function profileSegments(profile: Uint8Array): Buffer[] {
  const size = maxSegment - profileHeader.length - 2;
  const total = Math.ceil(profile.length / size);
  return Array.from({ length: total }, (_, index) =>
    segment(
      app2,
      `${profileHeader}${String.fromCharCode(index + 1, total)}`,
      profile.subarray(index * size, (index + 1) * size),
    ),
  );
}
