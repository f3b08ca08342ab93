/** Lambda entry point of the sweeper, invoked every minute: handles due rows and reports charges. */
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { sweepWhileBusy } from "./sweep/sweep-while-busy.ts";

const { sweep } = openEdge(readEdgeConfig());

/** Maximum milliseconds of a sweep. The next invocation continues. */
const longest = 55_000;
/** Milliseconds reserved before the function's timeout, so that it returns in time. */
const margin = 5000;

export async function handler(
  _event: unknown,
  context: { getRemainingTimeInMillis(): number },
): Promise<{ readonly handled: number }> {
  const time = Math.min(longest, context.getRemainingTimeInMillis() - margin);
  return { handled: await sweepWhileBusy(sweep, sweep.clock.now() + time) };
}
