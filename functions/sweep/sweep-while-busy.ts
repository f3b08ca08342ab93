import { type DueKind, dueKinds, type SweepPorts, sweepKind } from "./sweep.ts";

/** Milliseconds between two passes. A running batch is due every second. */
const interval = 1000;
/** Consecutive empty passes after which the sweep ends. */
const quiet = 3;

/**
 * Sweeps while rows keep falling due, at most until a time (milliseconds since 1970). A running batch
 * therefore does not wait for the next minute, and an idle system costs one pass. Each kind of row is swept
 * separately, so a slow kind does not delay the others. Resolves with the number of handled rows.
 */
export async function sweepWhileBusy(ports: SweepPorts, until: number): Promise<number> {
  const counts = await Promise.all(dueKinds.map((kind) => sweepKindWhileBusy(ports, kind, until)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function sweepKindWhileBusy(ports: SweepPorts, kind: DueKind, until: number): Promise<number> {
  let handled = await sweepKind(ports, kind);
  for (let empty = handled ? 0 : quiet; empty < quiet && ports.clock.now() + interval < until; ) {
    await ports.clock.sleep(interval);
    const found = await sweepKind(ports, kind);
    empty = found ? 0 : empty + 1;
    handled += found;
  }
  return handled;
}
