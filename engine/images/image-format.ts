/** Detects file formats by their first bytes; file names are not reliable. */

/** Formats that can be written (and read). */
const imageFormats = ["jpeg", "png", "webp", "avif"] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** Formats that can be read, and the format in which an edited image is written. */
export const readableFormats = {
  jpeg: "jpeg",
  png: "png",
  webp: "webp",
  avif: "avif",
  heic: "jpeg",
  tiff: "png",
} as const satisfies Readonly<Record<string, ImageFormat>>;
export type ReadableFormat = keyof typeof readableFormats;

/** Formats that are recognized only for a helpful error, with the workaround. */
export const refusedFormats = {
  svg: "an SVG drawing; export it as PNG first",
  gif: "a GIF; save one frame as PNG first",
  bmp: "a BMP; save it as PNG first",
  jxl: "a JPEG XL; save it as PNG or JPEG first",
  pdf: "a PDF; export the page as PNG first",
  psd: "a Photoshop document; export it as PNG first",
} as const;
type RefusedFormat = keyof typeof refusedFormats;

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

const heifBrands: Readonly<Record<string, "avif" | "heic">> = {
  avif: "avif",
  avis: "avif",
  heic: "heic",
  heix: "heic",
  hevc: "heic",
  hevx: "heic",
  heim: "heic",
  heis: "heic",
};

/** ISO base media: the major brand, then the compatible brands (`mif1` files name the codec only there). */
function heifKind(bytes: Uint8Array): "avif" | "heic" | undefined {
  const boxEnd = Math.min(bytes.length, 128, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  for (let at = 8; at + 4 <= boxEnd; at += at === 8 ? 8 : 4) {
    const kind = heifBrands[ascii(bytes, at, at + 4)];
    if (kind) return kind;
  }
  return undefined;
}

/** The format of `bytes`, or undefined if it is unknown. */
export function detectFormat(bytes: Uint8Array): ReadableFormat | RefusedFormat | undefined {
  if (bytes.length < 12) return undefined;
  const head = ascii(bytes, 0, 12);
  if (head.startsWith("\xff\xd8\xff")) return "jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return "webp";
  if (head.slice(4, 8) === "ftyp") return heifKind(bytes);
  if (head.startsWith("GIF8")) return "gif";
  if (head.startsWith("II*\0") || head.startsWith("MM\0*") || head.startsWith("II+\0")) return "tiff";
  if (head.startsWith("BM")) return "bmp";
  if (head.startsWith("\xff\x0a") || head.slice(4, 8) === "JXL ") return "jxl";
  if (head.startsWith("%PDF")) return "pdf";
  if (head.startsWith("8BPS")) return "psd";
  if (/<svg[\s>]/i.test(ascii(bytes, 0, Math.min(bytes.length, 4096)))) return "svg";
  return undefined;
}
