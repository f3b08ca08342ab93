import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import { type StandIns, startStandIns } from "../../local/stand-ins.ts";
import { type FlakyProxy, startFlakyProxy } from "./flaky-proxy.ts";

export interface FaultyStandIns {
  /** For the service: each call may be throttled, delayed or lose its response. */
  readonly standIns: StandIns;
  /** For the test: the same stand-ins without faults. */
  readonly direct: StandIns["aws"];
  faults(): FlakyProxy["faults"];
}

/**
 * Table, store and queue that throttle, delay and drop responses, each with the given probability per call.
 */
export async function startFaultyStandIns(
  draw: SeededRandom,
  chances: { readonly table: number; readonly store: number; readonly queue: number },
): Promise<FaultyStandIns> {
  const standIns = await startStandIns();
  const { aws: direct } = standIns;
  const [table, store, queue] = await Promise.all([
    startFlakyProxy(direct.tableEndpoint!, draw, chances.table),
    startFlakyProxy(direct.storeEndpoint!, draw, chances.store),
    startFlakyProxy(direct.queueEndpoint!, draw, chances.queue),
  ]);
  const proxies = [table, store, queue];
  return {
    direct,
    standIns: {
      ...standIns,
      aws: { ...direct, tableEndpoint: table.url, storeEndpoint: store.url, queueEndpoint: queue.url },
      async stop() {
        for (const proxy of proxies) proxy.stop();
        await standIns.stop();
      },
    },
    faults: () => {
      const sum = (kind: keyof FlakyProxy["faults"]) =>
        proxies.reduce((total, { faults }) => total + faults[kind], 0);
      return { refused: sum("refused"), lost: sum("lost"), slow: sum("slow") };
    },
  };
}
