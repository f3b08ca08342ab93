import type { Environment, StoredKey } from "../shared/accounts/api-key.ts";
import type { KeyStore } from "../shared/accounts/key-store.ts";
import type { UploadTokens } from "../shared/accounts/upload-tokens.ts";
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
import type { StoredUploadToken } from "../shared/resources/upload-token.ts";
import type { ConnectionLimit } from "./connection-limit.ts";
import type { ReadCache } from "./read-cache.ts";

/** Dependencies of the edge (the API and its background functions), provided by the composition roots. */
export interface EdgePorts {
  readonly table: Table;
  readonly objects: ObjectStore;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly timing: QueueTiming;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Returns why a webhook URL is forbidden, or undefined if it is allowed. */
  readonly refuseWebhook: (url: string) => string | undefined;
  /** Downloads an image from a caller's URL. */
  readonly download: Download;
  readonly settings: EdgeSettings;
}

/** What an account may use in a day (UTC). */
export interface DailyQuotas {
  readonly uploadBytes: number;
  readonly imports: number;
}

export interface EdgeSettings {
  /** Environment of new API keys. */
  readonly environment: Environment;
  /** Requests per minute and account. */
  readonly requestsPerMinute: number;
  /** Maximum seconds of `Prefer: wait`; must be below the router's timeout. */
  readonly longestWait: number;
  /** Maximum seconds of an event stream; then the client reconnects. */
  readonly longestStream: number;
  /** Maximum concurrent event streams and waits per account. */
  readonly heldConnections: number;
  readonly dailyQuotas: DailyQuotas;
  /** Origin of all links, such as `https://api.example.com`. It never depends on a request's headers. */
  readonly publicUrl: string;
  /**
   * Verifies that requests came through the router. If absent, they are not verified. `deployedAt`:
   * milliseconds since 1970.
   */
  readonly router?: { readonly key: string; readonly deployedAt: number };
  /**
   * Seconds for which a request locks its Idempotency-Key. After that, a request without a response is
   * considered failed and may be repeated.
   */
  readonly idempotencyLock: number;
  /** Maximum ledger entries of one usage report. A longer report is refused, not truncated. */
  readonly reportEntries: number;
  /** Milliseconds between two reads of a row that a request waits for. */
  readonly pollInterval: number;
}

export const defaultEdgeSettings: Omit<EdgeSettings, "publicUrl"> = {
  environment: "test",
  requestsPerMinute,
  longestWait: 50,
  longestStream: 50,
  heldConnections: 30,
  dailyQuotas: { uploadBytes: 50e9, imports: 100 },
  idempotencyLock: 60,
  reportEntries: 50_000,
  pollInterval: 250,
};

/** The ports and the services built on them. */
export interface Edge extends EdgePorts, ReadCache {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly uploadTokens: UploadTokens;
  readonly connections: ConnectionLimit;
}

/** Variables that the middleware sets for handlers. */
export interface EdgeEnv {
  Variables: {
    requestId: string;
    /** `traceparent` for everything that this request causes. */
    trace: string;
    /** The caller's API key. Absent if `uploadToken` is present. */
    key: StoredKey;
    /** The caller's upload token, which only the routes of `authenticate` accept. */
    uploadToken: StoredUploadToken | undefined;
    /** Account ID of the key or token. */
    account: string;
    /**
     * Returns an ID for a new resource, the same for each retry of an idempotent request. Call it once per
     * kind and request.
     */
    newId: (kind: IdKind) => string;
    /** True if an earlier attempt of this request may already have created the resource. */
    resumed: boolean;
  };
}
