import type { RandomBytes } from "./ports/clock.ts";
import type { LogFacts } from "./ports/log.ts";

/** `00-TRACE-SPAN-FLAGS` in hex (W3C Trace Context, level 1); neither id is all zeros. */
const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Creates a `traceparent`: the next span of the caller's trace, or a new trace if the caller's is missing or
 * invalid.
 */
export function continueTrace(given: string | undefined, random: RandomBytes): string {
  const hex = (count: number) => Buffer.from(random(count)).toString("hex");
  const [, trace = hex(16), , flags = "01"] = pattern.exec(given ?? "") ?? [];
  return `00-${trace}-${hex(8)}-${flags}`;
}

/** Log field `trace_id`, which connects all log lines of a request and its job. */
export function traceFacts(traceparent: string | undefined): LogFacts {
  const [, trace] = pattern.exec(traceparent ?? "") ?? [];
  return trace === undefined ? {} : { trace_id: trace };
}
