import type { Environment, StoredKey } from "../shared/accounts/api-key.ts";
import type { KeyStore } from "../shared/accounts/key-store.ts";
import type { IdKind } from "../shared/ids.ts";
import type { JobStore } from "../shared/jobs/job-store.ts";
import type { Ledger } from "../shared/ledger/ledger.ts";
import type { Download } from "../shared/outbound/download.ts";
import type { Clock, RandomBytes } from "../shared/ports/clock.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import type { Log } from "../shared/ports/log.ts";
import type { ObjectStore } from "../shared/ports/object-store.ts";
import type { Table } from "../shared/ports/table.ts";
import type { QueueName, QueueTiming } from "../shared/queue-timing.ts";
import { requestsPerMinute } from "../shared/request-rate.ts";
import type { HeldConnections } from "./held-connections.ts";
import type { ShortMemory } from "./short-memory.ts";

/** The world as the edge sees it; composition roots give it. */
export interface EdgePorts {
  readonly table: Table;
  readonly objects: ObjectStore;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly timing: QueueTiming;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Why an address may not be called when a job ends; undefined when it may. */
  readonly refuseWebhook: (url: string) => string | undefined;
  /** Reads a picture at an address that a caller gave. */
  readonly download: Download;
  readonly settings: EdgeSettings;
}

/** What an account may use in a day (UTC). */
export interface DailyQuotas {
  readonly uploadBytes: number;
  readonly imports: number;
}

export interface EdgeSettings {
  /** Of the keys it makes. */
  readonly environment: Environment;
  /** Requests a minute of one account. */
  readonly requestsPerMinute: number;
  /** Seconds that `Prefer: wait` may hold a connection; below the router's timeout. */
  readonly longestWait: number;
  /** Seconds that an event stream may; then its listener takes it up again where it left off. */
  readonly longestStream: number;
  /** Event streams and waits that one account may hold open at a time. */
  readonly heldConnections: number;
  readonly dailyQuotas: DailyQuotas;
  /** Origin that links begin with, `https://api.example.com`; the one that was called when absent. Behind a router that one is wrong. */
  readonly publicUrl?: string;
  /** What the router is known by; anybody may call where it is absent. Times are milliseconds since 1970. */
  readonly router?: { readonly key: string; readonly deployedAt: number };
  /** Seconds after which a request with an Idempotency-Key that left no answer is taken for dead, and may be made again. */
  readonly requestPatience: number;
  /** Of the ledger, for one usage report: two for each job. What holds more is refused, not cut short. */
  readonly reportEntries: number;
  /** Milliseconds between two looks at a row that is waited for. */
  readonly pollInterval: number;
}

export const defaultEdgeSettings: EdgeSettings = {
  environment: "test",
  requestsPerMinute,
  longestWait: 50,
  longestStream: 50,
  heldConnections: 30,
  dailyQuotas: { uploadBytes: 50e9, imports: 100 },
  requestPatience: 60,
  reportEntries: 50_000,
  pollInterval: 250,
};

/** The ports and what is built on them. */
export interface Edge extends EdgePorts, ShortMemory {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly held: HeldConnections;
}

/** What the middleware leaves for handlers. */
export interface EdgeEnv {
  Variables: {
    requestId: string;
    /** `traceparent` of what this request causes. */
    trace: string;
    /** That links begin with. */
    origin: string;
    key: StoredKey;
    /** Of the key. */
    account: string;
    /** An id for a new resource; the same when an idempotent request is tried again. One of each kind a request. */
    newId: (kind: IdKind) => string;
    /** An earlier try of this request may have made what this one is about to make. */
    resumed: boolean;
  };
}
