/** A contact sheet: images of a run on one page, in titled sections with labeled columns. */
import { guardedSharp } from "./image-loaders.ts";
import { renderSvg } from "./render-svg.ts";
import { resizeImage } from "./resize-image.ts";
import { type RgbImage, toBytes } from "./rgb-image.ts";
import { drawText, wrapText } from "./text-outlines.ts";

export interface SheetCell {
  readonly image?: RgbImage;
  /** One line below the image, for example a metric. */
  readonly caption?: string;
  /** Number of columns that the cell spans, default 1. */
  readonly span?: number;
}

interface SheetSection {
  readonly title?: string;
  /** Headings above the columns; there may be fewer than cells. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SheetCell[])[];
}

export interface Sheet {
  readonly title: string;
  readonly subtitle?: string;
  readonly sections: readonly SheetSection[];
  /** A line at the bottom. */
  readonly footer?: string;
  /** In pixels, at least 128, default 256. Smaller images are enlarged to this width. */
  readonly cellWidth?: number;
}

const ink = "#1d1d1f";
const gray = "#6e6e73";
const paper = "#fbfbfa";
const margin = 64;
const gap = 20;

interface Placed {
  readonly image: RgbImage;
  readonly left: number;
  readonly top: number;
}

/** The largest size with `image`'s aspect ratio that fits into a box. */
function fitInside(image: RgbImage, width: number, height: number): { width: number; height: number } {
  const scale = Math.min(width / image.width, height / image.height);
  return {
    width: Math.max(1, Math.round(image.width * scale)),
    height: Math.max(1, Math.round(image.height * scale)),
  };
}

class Page {
  readonly pictures: Placed[] = [];
  readonly marks: string[] = [];
  readonly cell: number;
  readonly innerWidth: number;
  y = margin;

  constructor(cell: number, columns: number) {
    this.cell = cell;
    this.innerWidth = columns * (cell + gap) - gap;
  }

  left(column: number): number {
    return margin + column * (this.cell + gap);
  }

  width(span: number): number {
    return span * (this.cell + gap) - gap;
  }

  /** Draws lines of text at the current y and moves y below them. */
  paragraph(text: string, size: number, weight: "regular" | "semibold", fill: string, lines = 2): void {
    for (const line of wrapText(text, this.innerWidth, lines, size, weight)) {
      this.y += Math.round(size * 1.3);
      this.marks.push(drawText(line, { x: margin, y: this.y - Math.round(size * 0.3), size, weight, fill }));
    }
  }

  headings(columns: readonly string[]): void {
    const wrapped = columns.map((heading) => wrapText(heading, this.cell, 4, 15, "semibold"));
    const lines = Math.max(0, ...wrapped.map((heading) => heading.length));
    for (const [column, heading] of wrapped.entries())
      for (const [line, text] of heading.entries()) {
        // Bottom-aligned, so that a one-line heading is next to its image.
        const y = this.y + 20 * (lines - heading.length + line + 1) - 5;
        this.marks.push(drawText(text, { x: this.left(column), y, size: 15, weight: "semibold", fill: ink }));
      }
    this.y += 20 * lines + (lines ? 6 : 0);
  }

  row(cells: readonly SheetCell[]): void {
    const heights = cells.flatMap(({ image, span = 1 }) =>
      image ? [fitInside(image, this.width(span), this.cell * (span === 1 ? 1.4 : 1)).height] : [],
    );
    const height = heights.length > 0 ? Math.max(...heights) : this.cell;
    let column = 0;
    for (const { image, caption, span = 1 } of cells) {
      const x = this.left(column);
      const width = this.width(span);
      if (image) {
        const size = fitInside(image, width, height);
        this.pictures.push({ image: resizeImage(image, size.width, size.height), left: x, top: this.y });
        if (span === 1)
          this.marks.push(
            `<rect x="${x + 0.5}" y="${this.y + 0.5}" width="${size.width - 1}" height="${size.height - 1}" fill="none" stroke="#000" stroke-opacity=".1"/>`,
          );
      }
      if (caption)
        for (const line of wrapText(caption, width, 1, 13))
          this.marks.push(drawText(line, { x, y: this.y + height + 19, size: 13, fill: gray }));
      column += span;
    }
    this.y += height + (cells.some(({ caption }) => caption) ? 28 : 0) + gap;
  }
}

function layOut(sheet: Sheet): Page {
  const columns = Math.max(
    2,
    ...sheet.sections.flatMap(({ columns, rows }) => [
      columns.length,
      ...rows.map((row) => row.reduce((sum, { span = 1 }) => sum + span, 0)),
    ]),
  );
  const page = new Page(Math.max(128, sheet.cellWidth ?? 256), columns);
  page.paragraph(sheet.title, 32, "semibold", ink);
  if (sheet.subtitle) {
    page.y += 4;
    page.paragraph(sheet.subtitle, 17, "regular", gray, 3);
  }
  for (const section of sheet.sections) {
    page.y += 36;
    if (section.title) {
      page.paragraph(section.title, 21, "semibold", ink);
      page.y += 12;
    }
    page.headings(section.columns);
    for (const row of section.rows) page.row(row);
    page.y -= gap;
  }
  if (sheet.footer) {
    page.y += 32;
    page.paragraph(sheet.footer, 13, "regular", gray, 3);
  }
  page.y += margin - 16;
  return page;
}

/** Renders the sheet as PNG, dark on light, in sRGB. */
export async function contactSheet(sheet: Sheet): Promise<Buffer> {
  const page = layOut(sheet);
  const width = page.innerWidth + 2 * margin;
  const height = page.y;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${page.marks.join("")}</svg>`;
  const pictures = page.pictures.map(({ image, left, top }) => ({
    input: Buffer.from(toBytes(image)),
    raw: { width: image.width, height: image.height, channels: 3 as const },
    left,
    top,
  }));
  return guardedSharp()({ create: { width, height, channels: 3, background: paper } })
    .composite([...pictures, { input: await renderSvg(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9 })
    .toBuffer();
}
