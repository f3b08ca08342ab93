import type { Log, LogFacts } from "./ports/log.ts";

/**
 * A log with one JSON object per line.
 *
 * @param stage added to every line; the dimension `Stage` of embedded metrics (`metrics.ts`)
 */
export function createJsonLog(
  write: (line: string) => void,
  now: () => number,
  least: "info" | "error" = "info",
  stage = "local",
): Log {
  const line = (level: "info" | "error", message: string, facts: LogFacts) =>
    write(JSON.stringify({ time: new Date(now()).toISOString(), level, message, Stage: stage, ...facts }));
  return {
    info: (message, facts = {}) => (least === "info" ? line("info", message, facts) : undefined),
    error: (message, { error, ...facts } = {}) =>
      line("error", message, { ...facts, ...(error === undefined ? {} : { error: describe(error) }) }),
  };
}

/** Removes the query of signed URLs. */
const withoutSignatures = (text: string): string => text.replace(/\?X-Amz-[^\s"')]*/g, "?…");

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    name: error.name,
    message: withoutSignatures(error.message),
    stack: error.stack && withoutSignatures(error.stack),
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
