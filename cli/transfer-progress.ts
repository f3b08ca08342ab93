import type { ProgressBar } from "./progress-bar.ts";

interface TransferState {
  readonly file: string;
  readonly bytes: number;
  readonly total: number;
}

/** Shows the transferred and total size in MB, with the remaining time at the average rate. */
export function transferProgress(
  progress: ProgressBar,
  verb: string,
  /** Returns seconds. */
  now: () => number = () => performance.now() / 1000,
): (state: TransferState) => void {
  const started = now();
  let first: number | undefined;
  return ({ file, bytes, total }) => {
    first ??= bytes;
    const rate = (bytes - first) / (now() - started);
    progress.update({
      stage: `${verb} ${file}`,
      step: toMegabytes(bytes),
      steps: toMegabytes(total),
      unit: "MB",
      ...(rate > 0 ? { etaSeconds: (total - bytes) / rate } : {}),
    });
  };
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
