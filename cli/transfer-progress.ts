import type { ProgressBar } from "./progress-bar.ts";

interface TransferState {
  readonly file: string;
  readonly bytes: number;
  readonly total: number;
}

/** Shows bytes done of a total, in MB, with the time left at the rate so far. */
export function transferProgress(
  progress: ProgressBar,
  verb: string,
  /** In seconds. */
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
