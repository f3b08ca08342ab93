import { type SweepPorts, sweep } from "./sweep.ts";

/** Milliseconds between two looks. A running batch asks for one each second. */
const interval = 1000;
/** Looks in a row that find nothing, after which there is nothing to wait for. */
const quiet = 3;

/**
 * Sweeps as long as rows keep falling due, at most until a time (milliseconds since 1970): a batch in progress and a webhook's
 * first retries do not wait for the next minute, and an idle system costs one look. Resolves with how many rows there were.
 */
export async function sweepWhileBusy(ports: SweepPorts, until: number): Promise<number> {
  let mended = await sweep(ports);
  for (let empty = mended ? 0 : quiet; empty < quiet && ports.clock.now() + interval < until; ) {
    await ports.clock.sleep(interval);
    const found = await sweep(ports);
    empty = found ? 0 : empty + 1;
    mended += found;
  }
  return mended;
}
