/**
 * The one door to sharp. libvips knows dozens of file formats, some of them with a history of holes; here only five can be
 * read, and our own SVG drawings for as long as one of them is being rendered.
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

/** sharp with every loader but those of JPEG, PNG, WebP, AVIF and TIFF switched off for the whole process, and its cache off. */
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
 * Runs `render` with the SVG loader on. A stranger's SVG still cannot come in meanwhile: decodeImage looks at the first
 * bytes before sharp does.
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

/** For reports: which libraries decoded and encoded the pictures. */
export function imageLibraryVersions(): { readonly sharp: string | null; readonly libvips: string } {
  return { sharp: sharp.versions.sharp ?? null, libvips: sharp.versions.vips };
}
