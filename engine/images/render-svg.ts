import { withSvgLoader } from "./image-loaders.ts";

/** Draws our own SVG to PNG bytes, at one pixel per unit. Never hand it a stranger's. */
export function renderSvg(svg: string): Promise<Buffer> {
  return withSvgLoader((sharp) => sharp(Buffer.from(svg)).png({ compressionLevel: 9 }).toBuffer());
}
