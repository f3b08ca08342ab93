import type { ProgressBar } from "./progress-bar.ts";

/** Creates one progress bar for `total` edits. Call the result once for each edit to get its `onEvent`. */
export function editProgress(
  progress: ProgressBar,
  stage: string,
  total: number,
): () => (event: { readonly step: number; readonly steps: number }) => void {
  const started = performance.now();
  let begun = 0;
  return () => {
    const before = begun++;
    return ({ step, steps }) => {
      const done = before * steps + step;
      const etaSeconds = (((performance.now() - started) / done) * (total * steps - done)) / 1000;
      progress.update({ stage, step: done, steps: total * steps, etaSeconds });
    };
  };
}
