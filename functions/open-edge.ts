import { type AwsAdapters, openAdapters } from "../shared/aws/aws-config.ts";
import { SqsJobQueue } from "../shared/aws/sqs-job-queue.ts";
import { defined } from "../shared/defined.ts";
import { JobStore } from "../shared/jobs/job-store.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { Ledger } from "../shared/ledger/ledger.ts";
import { createDownload } from "../shared/outbound/download.ts";
import { publicOnly } from "../shared/outbound/outbound-policy.ts";
import type { Log } from "../shared/ports/log.ts";
import { createStripeMeter } from "../shared/stripe/stripe-meter.ts";
import { systemClock as clock, systemRandom as random } from "../shared/system-clock.ts";
import { createGuardedSender } from "../shared/webhooks/guarded-sender.ts";
import type { EdgeConfig } from "./config.ts";
import { defaultEdgeSettings, type EdgePorts } from "./edge.ts";
import type { SweepPorts } from "./sweep/sweep.ts";
import type { DeliveryPorts } from "./webhooks/deliver-webhook.ts";

/** Creates the dependencies of the edge's entry points from a configuration, without making a call. */
export function openEdge(config: EdgeConfig): {
  readonly adapters: AwsAdapters;
  readonly edge: EdgePorts;
  readonly sweep: SweepPorts;
  readonly deliveries: DeliveryPorts & { readonly log: Log };
} {
  const adapters = openAdapters(config, clock);
  const { table, objects, queues, timing } = adapters;
  const log = createJsonLog(
    (line) => process.stdout.write(`${line}\n`),
    clock.now,
    config.VISII_LOG,
    config.VISII_STAGE,
  );
  const { VISII_STRIPE_KEY: secretKey, VISII_STRIPE_EVENT: eventName, VISII_STRIPE_URL: baseUrl } = config;
  const meter =
    secretKey === undefined
      ? undefined
      : createStripeMeter({ secretKey, eventName, ...defined({ baseUrl }) });
  const settings = {
    ...defaultEdgeSettings,
    publicUrl: config.VISII_PUBLIC_URL,
    environment: config.VISII_ENVIRONMENT,
    requestsPerMinute: config.VISII_REQUESTS_PER_MINUTE,
    longestWait: config.VISII_LONGEST_WAIT,
    longestStream: config.VISII_LONGEST_STREAM,
    heldConnections: config.VISII_HELD_CONNECTIONS,
    idempotencyLock: config.VISII_IDEMPOTENCY_LOCK,
    ...(config.VISII_ROUTER_KEY === undefined
      ? {}
      : { router: { key: config.VISII_ROUTER_KEY, deployedAt: config.VISII_ROUTER_SINCE } }),
  };
  const common = { table, objects, clock, random, log };
  return {
    adapters,
    edge: {
      ...common,
      queues,
      timing,
      settings,
      refuseWebhook: publicOnly.refuseUrl,
      download: createDownload(publicOnly),
    },
    deliveries: { ...common, sender: createGuardedSender(publicOnly) },
    sweep: {
      ...common,
      meter,
      webhooks: new SqsJobQueue(adapters.clients.sqs, config.VISII_WEBHOOK_QUEUE_URL),
      jobs: new JobStore({ table, queues, clock, timing }),
      ledger: new Ledger(table, clock),
    },
  };
}
