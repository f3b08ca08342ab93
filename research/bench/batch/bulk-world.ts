import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createApp } from "../../../functions/app.ts";
import { defaultEdgeSettings } from "../../../functions/edge.ts";
import { settleQueued } from "../../../functions/settlement/settlement-queue.ts";
import { createJobHandler } from "../../../gpu-worker/queue/run-job.ts";
import { type StandIns, startStandIns } from "../../../local/stand-ins.ts";
import { openAccount } from "../../../shared/accounts/open-account.ts";
import { createAwsClients } from "../../../shared/aws/clients.ts";
import { S3ObjectStore } from "../../../shared/aws/s3-object-store.ts";
import { newJob, type Run } from "../../../shared/jobs/job.ts";
import { JobStore } from "../../../shared/jobs/job-store.ts";
import { Ledger } from "../../../shared/ledger/ledger.ts";
import { mapConcurrently } from "../../../shared/map-concurrently.ts";
import { objectKeys } from "../../../shared/object-keys.ts";
import { createDownload } from "../../../shared/outbound/download.ts";
import { publicOnly } from "../../../shared/outbound/outbound-policy.ts";
import { queueTiming } from "../../../shared/queue-timing.ts";
import { uploadFormSchema } from "../../../shared/resources/upload.ts";
import { rowKeys } from "../../../shared/rows.ts";
import { systemRandom as random, systemClock } from "../../../shared/system-clock.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemoryTable } from "./memory-table.ts";
import { serveTable } from "./remote-table.ts";
import type { Looked } from "./sweeper-process.ts";

/** MiB of heap for the sweeper; with code and buffers it fits a function of 512 MB. */
const heap = 256;
/** Milliseconds between two sweeps. */
const interval = 1001;

/** The API, the sweeper under its memory limit, a worker that answers at once and the settlement, on one table. */
export class BulkWorld {
  readonly table: MemoryTable;
  readonly ledger: Ledger;
  readonly app: ReturnType<typeof createApp>;
  readonly #standIns: StandIns;
  readonly #sweeper: ChildProcess;
  readonly #work: (body: string) => Promise<unknown>;
  readonly #settle: () => Promise<number>;
  readonly #bulk = new MemoryQueue();
  readonly #settlements = new MemoryQueue();
  #ahead = 0;
  /** Totals over all sweeps. */
  readonly passes = { count: 0, cpu: 0, longest: 0, peak: 0 };

  private constructor(standIns: StandIns, sweeper: ChildProcess) {
    this.#standIns = standIns;
    this.#sweeper = sweeper;
    const clock = { ...systemClock, now: () => Date.now() + this.#ahead };
    const table = new MemoryTable(() => clock.now());
    this.table = table;
    this.ledger = new Ledger(table, clock);
    serveTable(sweeper, table);
    const queues = { interactive: new MemoryQueue(), learning: new MemoryQueue(), bulk: this.#bulk };
    const objects = new S3ObjectStore(createAwsClients(standIns.aws).s3, standIns.bucket);
    const log = { info: () => undefined, error: console.error };
    const jobs = new JobStore({ table, queues, clock, timing: queueTiming });
    const settings = { ...defaultEdgeSettings, requestsPerMinute: 100_000, publicUrl: "http://127.0.0.1" };
    this.app = createApp({
      table,
      objects,
      queues,
      timing: queueTiming,
      clock,
      random,
      log,
      settings,
      refuseWebhook: () => undefined,
      download: createDownload(publicOnly),
    });
    const handle = createJobHandler(
      { runs: jobs.runs, settlements: this.#settlements, table, clock, random, log },
      async (job) => ({
        results: [resultOf(job)],
        measured: { compute_seconds: 0.1, steps: 30 },
      }),
    );
    const never = new AbortController().signal;
    this.#work = (body) => handle({ body, receipt: "", receiveCount: 1 }, never);
    const ports = { jobs, ledger: this.ledger, table, clock, log };
    this.#settle = () => settleQueued(ports, this.#settlements, 0);
  }

  static async open(): Promise<BulkWorld> {
    const standIns = await startStandIns();
    const file = fileURLToPath(new URL("sweeper-process.ts", import.meta.url));
    const sweeper = fork(file, [JSON.stringify({ aws: standIns.aws, bucket: standIns.bucket })], {
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
      execArgv: ["--import", import.meta.resolve("tsx"), `--max-old-space-size=${heap}`],
    });
    await new Promise<void>((resolve) => sweeper.once("message", () => resolve()));
    return new BulkWorld(standIns, sweeper);
  }

  /** Creates an account and returns a function that calls the API with its key. */
  async caller() {
    const clock = { ...systemClock, now: () => Date.now() + this.#ahead };
    const opening = { name: "bench", environment: "test", credits: 1_000_000_000, concurrency: 100 } as const;
    const { account, secret } = await openAccount({ table: this.table, clock, random }, opening);
    const call = async (method: string, path: string, body?: unknown) => {
      const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
      const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await this.app.request(`http://bench.test${path}`, request);
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return response;
    };
    const upload = async (bytes: Uint8Array<ArrayBuffer>, type: string): Promise<string> => {
      const asked = { content_type: type, bytes: bytes.length };
      const answer = await call("POST", "/v1/uploads", asked);
      const { id, url, fields } = uploadFormSchema.parse(await answer.json());
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", new Blob([bytes]));
      await fetch(url, { method: "POST", body: form });
      await call("POST", `/v1/uploads/${id}/complete`);
      return id;
    };
    return { account: account.id, call, upload };
  }

  /** Stores a finished instruction. */
  async learned(account: string, id: string, upload: string): Promise<void> {
    const at = new Date().toISOString();
    const data = newJob({
      id,
      account,
      status: "succeeded",
      queue: "learning",
      created_at: at,
      finished_at: at,
      reserved: 0,
      request: { kind: "import", upload },
      attempt: 1,
      concluded: true,
    });
    await this.table.insert({ ...rowKeys.resource(account, id), data });
  }

  /** Runs one sweep, then completes at most `most` of the waiting edits. */
  async round(most = Number.MAX_SAFE_INTEGER): Promise<void> {
    this.#ahead += interval;
    const answer = new Promise<Looked>((resolve, reject) => {
      const hear = (message: { looked?: Looked }) => {
        if (!message.looked) return;
        this.#sweeper.off("message", hear);
        this.#sweeper.off("exit", died);
        resolve(message.looked);
      };
      const died = (code: number | null) => reject(new Error(`the sweeper ended with code ${code}`));
      this.#sweeper.on("message", hear);
      this.#sweeper.once("exit", died);
    });
    this.#sweeper.send({ ahead: this.#ahead });
    const { bulk, errors, cpu, peak } = await answer;
    if (errors.length) throw new Error(errors.join("\n"));
    const { passes } = this;
    Object.assign(passes, { count: passes.count + 1, cpu: passes.cpu + cpu, peak });
    passes.longest = Math.max(passes.longest, cpu);
    await this.#bulk.sendAll(bulk);
    const messages = await this.#bulk.receive({ maximum: most });
    await mapConcurrently(50, messages, ({ body }) => this.#work(body));
    while (await this.#settle());
  }

  async stop(): Promise<void> {
    this.#sweeper.disconnect();
    await this.#standIns.stop();
  }
}

const resultOf = ({ id, account, request }: Run) => ({
  input: request.kind === "edit" ? (request.images[0] ?? "") : "",
  key: objectKeys.result(account, id, 0, 0, "png"),
  width: 512,
  height: 512,
});
