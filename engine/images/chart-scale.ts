/** Chart arithmetic: tick positions, axis ranges and smoothing. */

export type Range = readonly [low: number, high: number];

/** About `count` ticks within the range, at 1, 2 or 5 times a power of ten. */
export function niceTicks([low, high]: Range, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((multiple) => multiple * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

/** Mean of the last `span` values at every point, of fewer at the start. */
export function movingAverage(values: readonly number[], span: number): number[] {
  return values.map((_, index) => {
    const recent = values.slice(Math.max(0, index - span + 1), index + 1);
    return recent.reduce((sum, value) => sum + value, 0) / recent.length;
  });
}

/**
 * A range with margin around all of `always` and around `values` without their largest 2%, because single
 * timesteps can peak. Starts at 0 if 0 is near. Needs at least one value.
 */
export function axisRange(values: readonly number[], always: readonly number[] = []): Range {
  const sorted = [...values].sort((a, b) => a - b);
  const seen = [sorted[0]!, sorted[Math.floor((sorted.length - 1) * 0.98)]!, ...always];
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const air = (high - low || Math.abs(high) || 1) * 0.08;
  return [low >= 0 && low - air < (high - low) * 0.15 ? 0 : low - air, high + air];
}
