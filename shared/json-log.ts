import type { Log, LogFacts } from "./ports/log.ts";

/**
 * Writes one JSON object a line, as log services take them in.
 *
 * @param stage of the deployment, on every line: the dimension `Stage` of the metrics that lines carry (`metrics.ts`)
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

/** A link's query may be its signature. */
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
