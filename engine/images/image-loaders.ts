/**
 * The only import of sharp. libvips supports dozens of file formats, some with a history of vulnerabilities.
 * Here only five can be read, and SVG only while one of our own drawings is rendered.
 */
import sharp from "sharp";

const always = [
  "VipsForeignLoadJpegBuffer",
  "VipsForeignLoadPngBuffer",
  "VipsForeignLoadWebpBuffer",
  "VipsForeignLoadHeifBuffer",
  "VipsForeignLoadTiffBuffer",
];
const svg = ["VipsForeignLoadSvgBuffer"];

let guarded = false;
let svgInUse = 0;

/**
 * sharp with all loaders disabled except JPEG, PNG, WebP, AVIF and TIFF, for the whole process, and without
 * cache.
 */
export function guardedSharp(): typeof sharp {
  if (!guarded) {
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({ operation: always });
    sharp.cache(false);
    guarded = true;
  }
  return sharp;
}

/**
 * Runs `render` with the SVG loader enabled. Untrusted SVG is still rejected during that time, because
 * decodeImage checks the first bytes before sharp reads a file.
 */
export async function withSvgLoader<Result>(
  render: (open: typeof sharp) => Promise<Result>,
): Promise<Result> {
  const open = guardedSharp();
  if (svgInUse++ === 0) open.unblock({ operation: svg });
  try {
    return await render(open);
  } finally {
    if (--svgInUse === 0) open.block({ operation: svg });
  }
}

/** Versions of the libraries that decode and encode images, for reports. */
export function imageLibraryVersions(): { readonly sharp: string | null; readonly libvips: string } {
  return { sharp: sharp.versions.sharp ?? null, libvips: sharp.versions.vips };
}
