import { z } from "zod";
import { defined } from "../defined.ts";
import type { Clock } from "../ports/clock.ts";
import type { JobQueue } from "../ports/job-queue.ts";
import { type QueueName, type QueueTiming, queueTiming } from "../queue-timing.ts";
import { type AwsClients, type AwsOptions, createAwsClients } from "./clients.ts";
import { DynamoTable } from "./dynamo-table.ts";
import { S3ObjectStore } from "./s3-object-store.ts";
import { SqsJobQueue } from "./sqs-job-queue.ts";

/** A JSON value in a variable. */
const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue("must be JSON");
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Not validated as a URL, because some stand-ins use names that URL parsers reject. */
const queueUrl = z.string().min(1);
const urls = z.object({ interactive: queueUrl, learning: queueUrl, bulk: queueUrl });

/** Environment variables that locate the AWS resources or their stand-ins. */
export const awsConfigSchema = z.object({
  AWS_REGION: z.string(),
  /** Name of the deployment; part of every log line and metric. */
  VISII_STAGE: z.string().min(1).default("local"),
  VISII_BUCKET: z.string(),
  VISII_TABLE: z.string(),
  VISII_QUEUE_URLS: json(urls),
  VISII_STORE_ENDPOINT: z.url().optional(),
  VISII_QUEUE_ENDPOINT: z.url().optional(),
  VISII_TABLE_ENDPOINT: z.url().optional(),
  /** Overrides of queue-timing.ts, for tests. */
  VISII_TIMING: json(
    z.partialRecord(z.enum(Object.keys(queueTiming) as [keyof QueueTiming]), z.number()),
  ).optional(),
});
type AwsConfig = z.infer<typeof awsConfigSchema>;

export interface AwsAdapters {
  readonly clients: AwsClients;
  readonly table: DynamoTable;
  readonly objects: S3ObjectStore;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly timing: QueueTiming;
}

/** Creates the adapters. Without explicit credentials, the SDK's default provider chain is used. */
export function openAdapters(
  config: Omit<AwsConfig, "VISII_STAGE"> & Pick<AwsOptions, "credentials">,
  clock: Clock,
): AwsAdapters {
  const options: AwsOptions = {
    region: config.AWS_REGION,
    ...defined({
      credentials: config.credentials,
      storeEndpoint: config.VISII_STORE_ENDPOINT,
      queueEndpoint: config.VISII_QUEUE_ENDPOINT,
      tableEndpoint: config.VISII_TABLE_ENDPOINT,
    }),
  };
  const clients = createAwsClients(options);
  const queue = (name: QueueName) => new SqsJobQueue(clients.sqs, config.VISII_QUEUE_URLS[name]);
  return {
    clients,
    queues: { interactive: queue("interactive"), learning: queue("learning"), bulk: queue("bulk") },
    table: new DynamoTable(clients.dynamo, config.VISII_TABLE, clock),
    objects: new S3ObjectStore(clients.s3, config.VISII_BUCKET),
    timing: { ...queueTiming, ...definedOnly(config.VISII_TIMING ?? {}) },
  };
}

function definedOnly(
  overrides: { readonly [Name in keyof QueueTiming]?: number | undefined },
): Partial<QueueTiming> {
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}
