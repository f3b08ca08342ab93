/**
 * A model edits a small copy of a photo, and the lost detail must come from the original. All three modes
 * compute result = up(edited) + A·(original − up(input)), where `up` enlarges and the difference is the lost
 * detail:
 *
 * - "plain":    A = 0. The model's image enlarged, and blurred accordingly.
 * - "residual": A = 1. The original plus the enlarged difference. Right for additive edits, wrong if an edit
 * inverts
 *               contrasts (a negative keeps positive detail) or reduces them (night keeps daylight detail).
 * - "transfer": A fitted to the edit at each position (localLinearMap): darkening darkens detail, a negative
 * inverts it,
 *               a blur drops it, and new content gets none.
 */
import { localLinearMap } from "./local-linear-map.ts";
import { resamplePlanes } from "./resample.ts";
import { createRgbImage, type RgbImage } from "./rgb-image.ts";

export type DetailMode = "plain" | "residual" | "transfer";
export const detailModes = ["transfer", "residual", "plain"] as const satisfies readonly DetailMode[];

/**
 * Position of output index `at` of `to` among `from` samples: the lower neighbor and the weight of the upper
 * one.
 */
function between(at: number, from: number, to: number): { low: number; high: number; weight: number } {
  const place = Math.min(from - 1, Math.max(0, ((at + 0.5) * from) / to - 0.5));
  const low = Math.floor(place);
  return { low, high: Math.min(from - 1, low + 1), weight: place - low };
}

/**
 * result += A·detail, with A interpolated bilinearly row by row, because nine full-size planes are too large
 * for large photos.
 */
function addMappedDetail(
  result: Float32Array,
  detail: Float32Array,
  size: { readonly width: number; readonly height: number },
  map: readonly Float32Array[],
  mapSize: { readonly width: number; readonly height: number },
): void {
  const area = size.width * size.height;
  const columns = Array.from({ length: size.width }, (_, x) => between(x, mapSize.width, size.width));
  const row = new Float32Array(mapSize.width);
  for (let y = 0; y < size.height; y++) {
    const { low, high, weight } = between(y, mapSize.height, size.height);
    for (const [entry, plane] of map.entries()) {
      for (let x = 0; x < mapSize.width; x++) {
        const upper = plane[low * mapSize.width + x]!;
        row[x] = upper + weight * (plane[high * mapSize.width + x]! - upper);
      }
      const from = Math.floor(entry / 3) * area + y * size.width;
      const to = (entry % 3) * area + y * size.width;
      for (let x = 0; x < size.width; x++) {
        const column = columns[x]!;
        const left = row[column.low]!;
        result[to + x]! += (left + column.weight * (row[column.high]! - left)) * detail[from + x]!;
      }
    }
  }
}

/**
 * `input` and `edited` have one size; `original` is the image that `input` was resized from, or `input`
 * itself. Returns original's size.
 */
export function restoreDetail(
  original: RgbImage,
  input: RgbImage,
  edited: RgbImage,
  mode: DetailMode,
): RgbImage {
  const same = original.width === input.width && original.height === input.height;
  const result = same ? edited.data.slice() : resamplePlanes(edited.data, edited, original);
  if (original !== input && mode !== "plain") {
    const detail = same ? input.data.slice() : resamplePlanes(input.data, input, original);
    for (let index = 0; index < detail.length; index++)
      detail[index] = original.data[index]! - detail[index]!;
    if (mode === "transfer") addMappedDetail(result, detail, original, localLinearMap(input, edited), input);
    else for (let index = 0; index < detail.length; index++) result[index]! += detail[index]!;
  }
  for (let index = 0; index < result.length; index++)
    result[index] = Math.min(1, Math.max(-1, result[index]!));
  return createRgbImage(original.width, original.height, result);
}
