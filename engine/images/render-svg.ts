import { withSvgLoader } from "./image-loaders.ts";

/** Renders a trusted SVG to PNG, at one pixel per unit. Never pass untrusted SVG. */
export function renderSvg(svg: string): Promise<Buffer> {
  return withSvgLoader((sharp) => sharp(Buffer.from(svg)).png({ compressionLevel: 9 }).toBuffer());
}
