import { type DueKind, dueKinds, type SweepPorts, sweepKind } from "./sweep.ts";

/** Milliseconds between two looks. A running batch asks for one each second. */
const interval = 1000;
/** Looks in a row that find nothing, after which there is nothing to wait for. */
const quiet = 3;

/**
 * Sweeps as long as rows keep falling due, at most until a time (milliseconds since 1970): a batch in progress does not wait for the
 * next minute, and an idle system costs one look. Each kind of row goes by itself, so that a slow one holds up no other. Resolves
 * with how many rows there were.
 */
export async function sweepWhileBusy(ports: SweepPorts, until: number): Promise<number> {
  const counts = await Promise.all(dueKinds.map((kind) => sweepKindWhileBusy(ports, kind, until)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function sweepKindWhileBusy(ports: SweepPorts, kind: DueKind, until: number): Promise<number> {
  let mended = await sweepKind(ports, kind);
  for (let empty = mended ? 0 : quiet; empty < quiet && ports.clock.now() + interval < until; ) {
    await ports.clock.sleep(interval);
    const found = await sweepKind(ports, kind);
    empty = found ? 0 : empty + 1;
    mended += found;
  }
  return mended;
}
