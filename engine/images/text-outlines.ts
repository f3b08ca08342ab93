/**
 * Text as SVG paths, from outlines of the Inter typeface in typeface/. The result is the same on every
 * machine, also without installed fonts, where SVG <text> draws nothing.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";

const glyph = z.tuple([z.number(), z.string()]);
const face = z.record(z.string(), glyph);
const typefaceSchema = z.object({ regular: face, semibold: face });
type Typeface = z.infer<typeof typefaceSchema>;
type Weight = keyof Typeface;

/** Not part of the extracted outlines. Units as there: 1000 per em, y downward. */
const arrow: z.infer<typeof glyph> = [
  900,
  "M90 -300H640L490 -450L545 -505L790 -262L545 -20L490 -75L640 -225H90Z",
];

let loaded: Typeface | undefined;
function typeface(): Typeface {
  if (!loaded) {
    const file = new URL("./typeface/outlines.json", import.meta.url);
    const { regular, semibold } = typefaceSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    loaded = { regular: { ...regular, "→": arrow }, semibold: { ...semibold, "→": arrow } };
  }
  return loaded;
}

/** Characters without an outline are shown as a question mark. */
function glyphsOf(text: string, weight: Weight): readonly z.infer<typeof glyph>[] {
  const letters = typeface()[weight];
  return [...text].map((character) => letters[character] ?? letters["?"]!);
}

/** Width in pixels at `size` pixels per em. */
export function textWidth(text: string, size: number, weight: Weight = "regular"): number {
  return (glyphsOf(text, weight).reduce((sum, [advance]) => sum + advance, 0) * size) / 1000;
}

interface TextStyle {
  /** In pixels; y is the baseline. */
  readonly x: number;
  readonly y: number;
  /** Pixels per em. */
  readonly size: number;
  readonly weight?: Weight;
  readonly fill?: string;
  readonly anchor?: "start" | "middle" | "end";
  /** Degrees clockwise around (x, y). */
  readonly rotate?: number;
}

const escapeXml = (text: string): string =>
  text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** An SVG group that draws `text` and has the text as its accessible label. */
export function drawText(text: string, style: TextStyle): string {
  const { x, y, size, weight = "regular", fill = "#1d1d1f", anchor = "start", rotate = 0 } = style;
  const width = textWidth(text, size, weight);
  const start = anchor === "start" ? 0 : anchor === "middle" ? -width / 2 : -width;
  const scale = size / 1000;
  let pen = 0;
  const paths = glyphsOf(text, weight).map(([advance, outline]) => {
    const path = outline && `<path transform="translate(${pen} 0)" d="${outline}"/>`;
    pen += advance;
    return path;
  });
  const place = `translate(${x} ${y}) rotate(${rotate}) translate(${start.toFixed(2)} 0) scale(${scale})`;
  return `<g role="img" aria-label="${escapeXml(text)}" fill="${fill}" transform="${place}">${paths.join("")}</g>`;
}

/** Breaks `text` between words into at most `lines` lines of at most `width` pixels; the rest becomes "…". */
export function wrapText(
  text: string,
  width: number,
  lines: number,
  size: number,
  weight: Weight = "regular",
): string[] {
  const fits = (line: string): boolean => textWidth(line, size, weight) <= width;
  const cut = (line: string): string => {
    let letters = [...line];
    while (letters.length > 1 && !fits(`${letters.join("")}…`)) letters = letters.slice(0, -1);
    return `${letters.join("").trimEnd()}…`;
  };
  const result: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = result.at(-1);
    if (last !== undefined && fits(`${last} ${word}`)) result[result.length - 1] = `${last} ${word}`;
    else if (result.length < lines) result.push(word);
    else {
      result[lines - 1] = cut(`${last} ${word}`);
      break;
    }
  }
  return result.map((line) => (fits(line) ? line : cut(line)));
}
