import { LRUCache } from "lru-cache";
import { type Account, readAccount } from "../shared/accounts/account.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import type { Table } from "../shared/ports/table.ts";
import type { QueueName } from "../shared/queue-timing.ts";

interface CachePorts {
  readonly table: Table;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly clock: Clock;
}

/** Cached reads that may be slightly stale. */
export interface ReadCache {
  /** The account, up to 30 seconds old. Its limits change rarely. */
  accountOf(id: string): Promise<Account | undefined>;
  /** Approximate number of messages in a queue, up to one second old. */
  queueDepth(queue: QueueName): Promise<number>;
}

/** Milliseconds. */
const accountTtl = 30_000;
const depthTtl = 1000;

/** Creates the cache, which is in this process's memory. */
export function createReadCache({ table, queues, clock }: CachePorts): ReadCache {
  const perf = { now: () => clock.now() };
  const accounts = new LRUCache<string, Account>({
    max: 10_000,
    ttl: accountTtl,
    perf,
    fetchMethod: (id) => readAccount(table, id),
  });
  const depths = new LRUCache<QueueName, { readonly visible: number }>({
    max: 10,
    ttl: depthTtl,
    perf,
    fetchMethod: (queue) => queues[queue].depth(),
  });
  return {
    accountOf: (id) => accounts.fetch(id),
    queueDepth: async (queue) => (await depths.fetch(queue))?.visible ?? 0,
  };
}
