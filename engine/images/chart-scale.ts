/** The arithmetic of a chart: where ticks go, how far an axis reaches, how a noisy series is smoothed. */

export type Range = readonly [low: number, high: number];

/** Ticks at 1, 2 or 5 times a power of ten, about `count` of them, within the range. */
export function niceTicks([low, high]: Range, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((multiple) => multiple * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

/** Mean of the last `span` values at every point, fewer at the start. */
export function movingAverage(values: readonly number[], span: number): number[] {
  return values.map((_, index) => {
    const recent = values.slice(Math.max(0, index - span + 1), index + 1);
    return recent.reduce((sum, value) => sum + value, 0) / recent.length;
  });
}

/**
 * With air around all of `always` and around `values` but their two percent largest (single timesteps peak wildly); from 0
 * where that is near. Needs a value.
 */
export function axisRange(values: readonly number[], always: readonly number[] = []): Range {
  const sorted = [...values].sort((a, b) => a - b);
  const seen = [sorted[0]!, sorted[Math.floor((sorted.length - 1) * 0.98)]!, ...always];
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const air = (high - low || Math.abs(high) || 1) * 0.08;
  return [low >= 0 && low - air < (high - low) * 0.15 ? 0 : low - air, high + air];
}
