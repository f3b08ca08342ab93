import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import { type StandIns, startStandIns } from "../../local/stand-ins.ts";
import { type FlakyProxy, startFlakyProxy } from "./flaky-proxy.ts";

export interface BadWeather {
  /** For the service: every call to them goes through the weather. */
  readonly standIns: StandIns;
  /** For the test: the same, in peace. */
  readonly calm: StandIns["aws"];
  faults(): FlakyProxy["faults"];
}

/** Table, store and queue that throttle, dawdle, and lose answers, each call with so much chance. */
export async function startBadWeather(
  draw: SeededRandom,
  chances: { readonly table: number; readonly store: number; readonly queue: number },
): Promise<BadWeather> {
  const standIns = await startStandIns();
  const { aws: calm } = standIns;
  const [table, store, queue] = await Promise.all([
    startFlakyProxy(calm.tableEndpoint!, draw, chances.table),
    startFlakyProxy(calm.storeEndpoint!, draw, chances.store),
    startFlakyProxy(calm.queueEndpoint!, draw, chances.queue),
  ]);
  const proxies = [table, store, queue];
  return {
    calm,
    standIns: {
      ...standIns,
      aws: { ...calm, tableEndpoint: table.url, storeEndpoint: store.url, queueEndpoint: queue.url },
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
