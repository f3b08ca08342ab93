import type { ProgressBar } from "./progress-bar.ts";

/** The world as a command sees it; main.ts is the only one to touch the process itself. */
export interface Context {
  /** The words after `visii`, for telling how to run the same again. */
  readonly argv: readonly string[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** On stderr, as are notes. */
  readonly progress: ProgressBar;
  /** A line on stdout: results only. */
  print(line: string): void;
}
