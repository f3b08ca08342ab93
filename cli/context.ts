import type { OutputFolders } from "./output-folders.ts";
import type { ProgressBar } from "./progress-bar.ts";

/** The parts of the process that commands use. Only run-program.ts accesses the process directly. */
export interface Context {
  /** The arguments after `visii`, for printing a command that repeats the run. */
  readonly argv: readonly string[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Writes to stderr, like all notes. */
  readonly progress: ProgressBar;
  readonly folders: OutputFolders;
  /** Prints a line to stdout, which is for results only. */
  print(line: string): void;
}
