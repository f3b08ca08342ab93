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

/**
 * Minimum processor seconds, user and system, of `repeats` calls of each function, taken in turn after one
 * warm-up call. For calls on one thread it depends little on other work of the machine.
 */
export async function leastProcessorSeconds(
  calls: readonly (() => Promise<unknown>)[],
  repeats: number,
): Promise<number[]> {
  for (const call of calls) await call();
  const least = calls.map(() => Number.POSITIVE_INFINITY);
  for (let i = 0; i < repeats; i++)
    for (const [index, call] of calls.entries()) {
      const before = process.cpuUsage();
      await call();
      const { user, system } = process.cpuUsage(before);
      least[index] = Math.min(least[index]!, (user + system) / 1e6);
    }
  return least;
}
