import { type StandIns, startStandIns } from "../local/stand-ins.ts";
import { type AwsClients, createAwsClients } from "../shared/aws/clients.ts";
import { DynamoTable } from "../shared/aws/dynamo-table.ts";
import { S3ObjectStore } from "../shared/aws/s3-object-store.ts";
import { SqsJobQueue } from "../shared/aws/sqs-job-queue.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import type { ObjectStore } from "../shared/ports/object-store.ts";
import type { Table } from "../shared/ports/table.ts";
import { type QueueName, type QueueTiming, queueTiming } from "../shared/queue-timing.ts";
import { systemClock } from "../shared/system-clock.ts";

/** The real adapters on separate stand-ins. */
export interface LocalWorld {
  readonly standIns: StandIns;
  readonly clients: AwsClients;
  readonly table: Table;
  readonly objects: ObjectStore;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly webhooks: JobQueue;
  readonly settlements: JobQueue;
  readonly timing: QueueTiming;
  stop(): Promise<void>;
}

export async function openLocalWorld(clock: Clock = systemClock): Promise<LocalWorld> {
  const standIns = await startStandIns();
  const clients = createAwsClients(standIns.aws);
  const queue = (name: QueueName) => new SqsJobQueue(clients.sqs, standIns.queueUrls[name]);
  return {
    standIns,
    clients,
    table: new DynamoTable(clients.dynamo, standIns.table, clock),
    objects: new S3ObjectStore(clients.s3, standIns.bucket),
    queues: { interactive: queue("interactive"), learning: queue("learning"), bulk: queue("bulk") },
    webhooks: new SqsJobQueue(clients.sqs, standIns.webhookQueueUrl),
    settlements: new SqsJobQueue(clients.sqs, standIns.settlementQueueUrl),
    timing: queueTiming,
    async stop() {
      clients.destroy();
      await standIns.stop();
    },
  };
}
