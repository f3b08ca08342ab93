/** Entry point of the sweeper as a Lambda function on a schedule of a minute: what is due, webhooks, and charges to tell. */
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { sweepWhileBusy } from "./sweep/sweep-while-busy.ts";

const { sweep } = openEdge(readEdgeConfig());

/** Milliseconds: the next invocation goes on after this one. */
const longest = 55_000;
/** Left of the function's own time, so that it ends by itself. */
const margin = 5000;

export async function handler(
  _event: unknown,
  context: { getRemainingTimeInMillis(): number },
): Promise<{ readonly mended: number }> {
  const time = Math.min(longest, context.getRemainingTimeInMillis() - margin);
  return { mended: await sweepWhileBusy(sweep, sweep.clock.now() + time) };
}
