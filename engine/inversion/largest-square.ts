interface Sides {
  readonly height: number;
  readonly width: number;
}

/**
 * The largest square that fits, by halving: to look through a large model's graph takes seconds.
 *
 * @param limit what is too large; no square of more than its area is tried
 * @param multiple of which a side must be one
 * @param fits for every square up to some size, and for none above it
 * @returns its side, 0 if none fits
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
