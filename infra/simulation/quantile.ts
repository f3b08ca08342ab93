/** Linear interpolation. @param sorted ascending, not empty @param share in [0, 1] */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  if (low === undefined || high === undefined) throw new Error("internal: quantile of an empty list");
  return low + (high - low) * (place - Math.floor(place));
}
