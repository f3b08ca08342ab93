interface Sides {
  readonly height: number;
  readonly width: number;
}

/**
 * Finds the largest square that fits, by bisection, because building a large model's graph takes seconds.
 *
 * @param limit a size that is too large; no square with a larger area is tried
 * @param multiple the side is a multiple of this
 * @param fits true for every square up to some size, and false above it
 * @returns the side, 0 if no square fits
 */
export function largestSquare(
  { height, width }: Sides,
  multiple: number,
  fits: (size: Sides) => boolean,
): number {
  let [good, bad] = [0, Math.floor(Math.sqrt(width * height) / multiple) + 1];
  while (bad - good > 1) {
    const tried = Math.floor((good + bad) / 2);
    const side = tried * multiple;
    if (fits({ height: side, width: side })) good = tried;
    else bad = tried;
  }
  return good * multiple;
}
