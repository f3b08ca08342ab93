/** Median seconds of `repeats` calls, after one warm-up call. */
export async function medianSeconds(call: () => Promise<unknown>, repeats: number): Promise<number> {
  await call();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    await call();
    times.push((performance.now() - started) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(repeats / 2)]!;
}
