import type { Pipeline } from "visii-engine";
import { VisibleError } from "visii-engine/errors";
import type { ModelSize } from "visii-engine/images";

/** Value of --size in pixels: the side of a square of equal area, or an exact width and height. */
export interface Size {
  readonly width: number;
  readonly height: number;
  readonly exact: boolean;
}

/** Upper limit for a side; larger values are treated as mistakes. */
const longest = 8192;

/** Reads `512` or `768x512`. */
export function parseSize(option: string): (text: string) => Size {
  return (text) => {
    const found = /^(\d+)(?:[x×](\d+))?$/i.exec(text.trim());
    const [width, height] = [Number(found?.[1]), Number(found?.[2] ?? found?.[1])];
    if (!found || width < 1 || height < 1 || Math.max(width, height) > longest)
      throw new VisibleError(
        "invalid_option",
        `${option} is "${text}"; it must be a side length in pixels, such as 512, or WIDTHxHEIGHT, such as 768x512.`,
      );
    return { width, height, exact: found[2] !== undefined };
  };
}

/**
 * The size that images are resized to: --size, else the model's own.
 *
 * @throws VisibleError `invalid_option` if a side is not a multiple that the model supports
 */
export function modelSize(
  { imageSize, modelId }: Pick<Pipeline, "imageSize" | "modelId">,
  size: Size | undefined,
): ModelSize {
  if (!size) return imageSize;
  const { multiple } = imageSize;
  const { width, height, exact } = size;
  if (width % multiple !== 0 || height % multiple !== 0) {
    const nearest = [width, height].map((side) => Math.max(1, Math.round(side / multiple)) * multiple);
    const [given, instead] = exact
      ? [`${width}x${height}`, nearest.join("x")]
      : [String(width), String(nearest[0])];
    throw new VisibleError(
      "invalid_option",
      `--size is "${given}"; ${modelId} needs multiples of ${multiple} pixels; the nearest is ${instead}.`,
    );
  }
  return { resolution: width, multiple, ...(exact ? { exact: { width, height } } : {}) };
}
