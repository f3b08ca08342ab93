import { createApp } from "../functions/app.ts";
import { defaultEdgeSettings, type EdgeSettings } from "../functions/edge.ts";
import { openAccount } from "../shared/accounts/open-account.ts";
import { openAdapters } from "../shared/aws/aws-config.ts";
import { defined } from "../shared/defined.ts";
import { JobStore } from "../shared/jobs/job-store.ts";
import { Ledger } from "../shared/ledger/ledger.ts";
import { createDownload } from "../shared/outbound/download.ts";
import type { Log } from "../shared/ports/log.ts";
import { prices } from "../shared/prices.ts";
import type { QueueTiming } from "../shared/queue-timing.ts";
import { systemClock as clock, systemRandom as random } from "../shared/system-clock.ts";
import { buildStudio } from "../studio/build.ts";
import { ApiProcess } from "./api-process.ts";
import { listen } from "./listen.ts";
import { loopbackToo } from "./loopback-too.ts";
import { type StandIns, startStandIns } from "./stand-ins.ts";
import { startSweeper } from "./sweeper.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface ServiceOptions {
  /** 0 selects a free port. */
  readonly port: number;
  readonly workers: number;
  /** Folder of the model. */
  readonly model: string;
  readonly log: Log;
  /** Log level of the workers, on stderr. */
  readonly logLevel?: "info" | "error";
  readonly timing?: Partial<QueueTiming>;
  readonly settings?: Partial<Omit<EdgeSettings, "publicUrl">>;
  /** Seconds between two checkpoints of a learning job. */
  readonly saveEvery?: number;
  /** Additional variables of the workers (gpu-worker/config.ts). */
  readonly environment?: Readonly<Record<string, string>>;
  /** Running stand-ins to use; this service stops them. Default: new ones. */
  readonly standIns?: StandIns;
  /** Runs the API as a separate process. Default: in this process. */
  readonly apiProcess?: boolean;
  /** Credits of the first account. */
  readonly credits?: number;
}

export interface Service {
  readonly url: string;
  /** API key of the first account, with every scope. */
  readonly key: string;
  readonly account: string;
  readonly standIns: StandIns;
  readonly workers: readonly WorkerProcess[];
  /** Present if the API is a separate process. */
  readonly api?: ApiProcess;
  stop(): Promise<void>;
}

/** Starts the whole service: stand-ins, API and sweeper in this process, workers as child processes. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, model, port } = options;
  await buildStudio();
  const standIns = options.standIns ?? (await startStandIns());
  const environment = environmentOf(standIns, options);
  const config = { ...environment.parsed };
  const adapters = openAdapters(config, clock);
  const { table, objects, queues, timing } = adapters;
  const ledger = new Ledger(table, clock);
  const jobs = new JobStore({ table, queues, clock, timing });

  const opened = await openAccount(
    { table, clock, random },
    { name: "local", environment: "test", credits: options.credits ?? prices.welcome, concurrency: 1000 },
  );
  const account = opened.account.id;
  const key = opened.secret;

  const settings: Omit<EdgeSettings, "publicUrl"> = {
    ...defaultEdgeSettings,
    requestsPerMinute: 6000,
    // There is no router with a timeout, so a stream can last until its job ends.
    longestStream: 3600,
    // Reads of the table on this machine cost next to nothing.
    pollInterval: 50,
    ...options.settings,
  };
  const api = options.apiProcess ? await startApi(environment.raw, settings, port) : undefined;
  const { refuseUrl: refuseWebhook } = loopbackToo;
  const download = createDownload(loopbackToo);
  const create = (publicUrl: string) =>
    createApp({
      table,
      objects,
      queues,
      timing,
      clock,
      random,
      log,
      refuseWebhook,
      download,
      settings: { ...settings, publicUrl },
    });
  const here = api ? undefined : await listen(create, port);
  const url = `http://127.0.0.1:${(api ?? here)?.port}`;
  const sweeper = startSweeper(
    { table, objects, clock, random, log, jobs, ledger },
    adapters.clients.sqs,
    standIns,
  );
  const workers = Array.from(
    { length: options.workers },
    () =>
      new WorkerProcess({
        ...environment.raw,
        AWS_ACCESS_KEY_ID: standIns.workerCredentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: standIns.workerCredentials.secretAccessKey,
        VISII_MODEL: model,
      }),
  );
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await sweeper.stop();
    await Promise.all([here?.close(), api?.stop()]);
    adapters.clients.destroy();
    await standIns.stop();
  };
  try {
    await Promise.all(workers.map((worker) => worker.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, key, account, standIns, workers, stop, ...(api ? { api } : {}) };
}

async function startApi(
  environment: Readonly<Record<string, string>>,
  { environment: kind, requestsPerMinute, idempotencyLock }: Omit<EdgeSettings, "publicUrl">,
  port: number,
): Promise<ApiProcess> {
  const api = new ApiProcess({
    ...environment,
    VISII_ENVIRONMENT: kind,
    VISII_REQUESTS_PER_MINUTE: String(requestsPerMinute),
    VISII_IDEMPOTENCY_LOCK: String(idempotencyLock),
    VISII_PORT: String(port),
  });
  await api.start();
  return api;
}

/** Environment variables of the workers and of a separate API process. */
function environmentOf(
  { aws, bucket, table, queueUrls, webhookQueueUrl, settlementQueueUrl }: StandIns,
  { timing, saveEvery, environment, logLevel = "error" }: ServiceOptions,
) {
  const endpoints = {
    AWS_REGION: aws.region,
    VISII_BUCKET: bucket,
    VISII_TABLE: table,
    ...defined({
      VISII_STORE_ENDPOINT: aws.storeEndpoint,
      VISII_QUEUE_ENDPOINT: aws.queueEndpoint,
      VISII_TABLE_ENDPOINT: aws.tableEndpoint,
    }),
  };
  const raw: Record<string, string> = {
    ...endpoints,
    VISII_QUEUE_URLS: JSON.stringify(queueUrls),
    VISII_WEBHOOK_QUEUE_URL: webhookQueueUrl,
    VISII_SETTLEMENT_QUEUE_URL: settlementQueueUrl,
    VISII_LOG: logLevel,
    AWS_ACCESS_KEY_ID: aws.credentials?.accessKeyId ?? "",
    AWS_SECRET_ACCESS_KEY: aws.credentials?.secretAccessKey ?? "",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    ...(timing ? { VISII_TIMING: JSON.stringify(timing) } : {}),
    ...(saveEvery === undefined ? {} : { VISII_SAVE_EVERY: String(saveEvery) }),
    ...environment,
  };
  const parsed = {
    ...endpoints,
    VISII_QUEUE_URLS: queueUrls,
    ...(timing ? { VISII_TIMING: timing } : {}),
    ...defined({ credentials: aws.credentials }),
  };
  return { raw, parsed };
}
