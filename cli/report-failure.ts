import { CommanderError } from "commander";
import { type ErrorCode, RetryableError, VisibleError } from "visii-engine/errors";
import { Interrupted } from "./interrupted.ts";

/** Exit codes by shell convention. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** VisibleError codes for wrong usage of the command. */
const usageCodes: ReadonlySet<ErrorCode> = new Set(["usage", "invalid_option", "invalid_steps", "no_pairs"]);

interface Failure {
  /** Text for stderr, without the leading "visii: ". */
  readonly message: string;
  readonly exitCode: number;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** Converts an error to a message and an exit code. Stack traces are included only if `verbose`. */
export function explainFailure(error: unknown, verbose: boolean): Failure {
  const withStack = (message: string): string => (verbose ? `${message}\n${stackOf(error)}` : message);
  if (error instanceof Interrupted) return { message: error.message, exitCode: exitCodes.interrupted };
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, "");
    return { message: withStack(`${message} (see visii --help)`), exitCode: exitCodes.usage };
  }
  if (error instanceof VisibleError)
    return {
      message: withStack(error.message),
      exitCode: usageCodes.has(error.code) ? exitCodes.usage : exitCodes.failed,
    };
  if (error instanceof RetryableError)
    return { message: withStack(error.message), exitCode: exitCodes.failed };
  const summary = error instanceof Error ? error.message.split("\n")[0]! : String(error);
  const named = summary.startsWith("internal:") ? summary : `internal: ${summary}`;
  return {
    message: withStack(
      verbose ? named : `${named} (a bug in visii; run with --verbose for details to report)`,
    ),
    exitCode: exitCodes.failed,
  };
}
