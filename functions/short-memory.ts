import { LRUCache } from "lru-cache";
import { type Account, readAccount } from "../shared/accounts/account.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import type { Table } from "../shared/ports/table.ts";
import type { QueueName } from "../shared/queue-timing.ts";

interface MemoryPorts {
  readonly table: Table;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly clock: Clock;
}

/** What may be a little old, so that not every request asks for it again. */
export interface ShortMemory {
  /** As it was within half a minute: how many jobs it may have open changes by hand, if ever. */
  accountOf(id: string): Promise<Account | undefined>;
  /** Messages that wait in a queue, about, a second ago at most. */
  waitingIn(queue: QueueName): Promise<number>;
}

/** Milliseconds. */
const accountMemory = 30_000;
const depthMemory = 1000;

export function createShortMemory({ table, queues, clock }: MemoryPorts): ShortMemory {
  const perf = { now: () => clock.now() };
  const accounts = new LRUCache<string, Account>({
    ...{ max: 10_000, ttl: accountMemory, perf },
    fetchMethod: (id) => readAccount(table, id),
  });
  const depths = new LRUCache<QueueName, { readonly visible: number }>({
    ...{ max: 10, ttl: depthMemory, perf },
    fetchMethod: (queue) => queues[queue].depth(),
  });
  return {
    accountOf: (id) => accounts.fetch(id),
    waitingIn: async (queue) => (await depths.fetch(queue))?.visible ?? 0,
  };
}
