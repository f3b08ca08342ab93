import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { VisibleError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import { type ColorLut, lutSizes, type Triple } from "./color-lut.ts";

/** Maximum size of a .cube file in bytes; larger than any table of the maximum size. */
const maxBytes = 256 * 2 ** 20;

/**
 * Reads a 3D table from a `.cube` file (Adobe's Cube LUT specification 1.0; DaVinci's LUT_3D_INPUT_RANGE is
 * read as a domain).
 *
 * @throws VisibleError `lut_not_found` or `invalid_lut`, which names the line and the problem
 */
export async function readCube(path: string): Promise<ColorLut> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new VisibleError(
      "lut_not_found",
      `File ${path} does not exist; create it with visii lut --pair BEFORE AFTER --out ${path}`,
      { cause },
    );
  });
  if (!found.isFile())
    throw new VisibleError("invalid_lut", `${path} is not a regular file; give a .cube file.`);
  if (found.size > maxBytes)
    throw new VisibleError(
      "invalid_lut",
      `${path} is ${Math.round(found.size / 1e6)} MB; a .cube file of up to ${lutSizes.max}³ colors is smaller. Check the file.`,
    );
  const table = new CubeLines(path);
  for await (const line of createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity }))
    table.take(line);
  return table.finish();
}

/** Encodes a table as a `.cube` file. @param title one line, shown by other programs */
export function encodeCube({ size, colors, domain }: ColorLut, title: string): string {
  const row = (values: Iterable<number>) => Array.from(values, (value) => value.toFixed(6)).join(" ");
  const lines = [
    `TITLE "${title.replaceAll(/["\r\n]/g, "'")}"`,
    `LUT_3D_SIZE ${size}`,
    `DOMAIN_MIN ${row(domain.min)}`,
    `DOMAIN_MAX ${row(domain.max)}`,
  ];
  for (let node = 0; node < size ** 3; node++) lines.push(row(colors.subarray(3 * node, 3 * node + 3)));
  return `${lines.join("\n")}\n`;
}

/** Writes a table as a `.cube` file, atomically. */
export function writeCube(path: string, lut: ColorLut, title: string): Promise<void> {
  return writeAtomically(path, encodeCube(lut, title));
}

/** Untrusted text, shortened and escaped for an error message. */
const quote = (text: string) => JSON.stringify(text.slice(0, 40));

/** Parses the lines of a file in order. */
class CubeLines {
  readonly #path: string;
  #line = 0;
  #size: number | undefined;
  #colors = new Float32Array();
  #count = 0;
  #min: Triple = [0, 0, 0];
  #max: Triple = [1, 1, 1];

  constructor(path: string) {
    this.#path = path;
  }

  take(text: string): void {
    this.#line += 1;
    const words = text
      .replace(/^\uFEFF/, "")
      .replace(/#.*/, "")
      .trim()
      .split(/\s+/);
    const [first = "", ...rest] = words;
    if (first === "" || first === "TITLE") return;
    if (/^[-+.\d]/.test(first)) this.#takeColor(words);
    else this.#takeKeyword(first, rest);
  }

  finish(): ColorLut {
    const size = this.#size;
    if (size === undefined) throw this.#refuse("the file has no LUT_3D_SIZE, so it is not a 3D table");
    if (this.#count < size ** 3)
      throw this.#refuse(
        `the file ends after ${this.#count} of ${size ** 3} colors; it is truncated, copy or export it again`,
      );
    for (const channel of [0, 1, 2] as const)
      if (!(this.#min[channel] < this.#max[channel]))
        throw this.#refuse(
          `the domain is ${this.#min[channel]} to ${this.#max[channel]}; the minimum must be below the maximum`,
        );
    return { size, colors: this.#colors, domain: { min: this.#min, max: this.#max } };
  }

  #takeKeyword(keyword: string, rest: readonly string[]): void {
    switch (keyword) {
      case "LUT_3D_SIZE":
        this.#open(rest);
        return;
      case "DOMAIN_MIN":
        this.#min = this.#numbers(rest, keyword);
        return;
      case "DOMAIN_MAX":
        this.#max = this.#numbers(rest, keyword);
        return;
      case "LUT_3D_INPUT_RANGE": {
        const [low = Number.NaN, high = Number.NaN] = rest.map(Number);
        if (rest.length !== 2 || !Number.isFinite(low) || !Number.isFinite(high))
          throw this.#refuse(`${keyword} needs two numbers, not ${quote(rest.join(" "))}`);
        this.#min = [low, low, low];
        this.#max = [high, high, high];
        return;
      }
      case "LUT_1D_SIZE":
      case "LUT_1D_INPUT_RANGE":
        throw this.#refuse(`${keyword} belongs to a 1D table; export the look as a 3D LUT`);
      default:
        throw this.#refuse(`${quote(keyword)} is not a keyword of a .cube file`);
    }
  }

  #open(rest: readonly string[]): void {
    const size = Number(rest[0]);
    const { min, max } = lutSizes;
    if (this.#size !== undefined) throw this.#refuse("LUT_3D_SIZE is repeated");
    if (rest.length !== 1 || !Number.isInteger(size) || size < min || size > max)
      throw this.#refuse(`LUT_3D_SIZE is ${quote(rest.join(" "))}; it must be ${min} to ${max}`);
    this.#size = size;
    this.#colors = new Float32Array(3 * size ** 3);
  }

  #takeColor(words: readonly string[]): void {
    if (this.#size === undefined) throw this.#refuse("a color precedes LUT_3D_SIZE");
    if (this.#count === this.#size ** 3)
      throw this.#refuse(`there are more than the ${this.#count} colors of LUT_3D_SIZE ${this.#size}`);
    this.#colors.set(this.#numbers(words, "a color"), 3 * this.#count);
    this.#count += 1;
  }

  #numbers(words: readonly string[], what: string): Triple {
    const [r = Number.NaN, g = Number.NaN, b = Number.NaN] = words.map(Number);
    if (words.length !== 3 || ![r, g, b].every(Number.isFinite))
      throw this.#refuse(`${what} needs three numbers, not ${quote(words.join(" "))}`);
    return [r, g, b];
  }

  #refuse(why: string): VisibleError {
    return new VisibleError("invalid_lut", `${this.#path}, line ${this.#line}: ${why}.`);
  }
}
