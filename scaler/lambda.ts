/** Lambda entry point of the scaler: invoked by the table's stream, by Spot refusals, and every minute. */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { ECSClient } from "@aws-sdk/client-ecs";
import { createAwsClients } from "../shared/aws/clients.ts";
import { DynamoTable } from "../shared/aws/dynamo-table.ts";
import { SqsJobQueue } from "../shared/aws/sqs-job-queue.ts";
import { createJsonLog } from "../shared/json-log.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import { systemClock as clock } from "../shared/system-clock.ts";
import { AutoScalingGroups } from "./auto-scaling-groups.ts";
import { readScalerConfig } from "./config.ts";
import { EcsServices } from "./ecs-services.ts";
import { handleEvent } from "./handle.ts";

const config = readScalerConfig();
const { sqs, dynamo } = createAwsClients({ region: config.AWS_REGION });
const options = { region: config.AWS_REGION, maxAttempts: 4 };
const queue = (name: QueueName) => new SqsJobQueue(sqs, config.VISII_QUEUE_URLS[name]);
const ports = {
  pools: config.VISII_POOLS,
  queues: { interactive: queue("interactive"), learning: queue("learning"), bulk: queue("bulk") },
  services: new EcsServices(new ECSClient(options), config.VISII_CLUSTER),
  groups: new AutoScalingGroups(new AutoScalingClient(options)),
  table: new DynamoTable(dynamo, config.VISII_TABLE, clock),
  clock,
  log: createJsonLog((line) => process.stdout.write(`${line}\n`), clock.now, "info", config.VISII_STAGE),
};

export const handler = (event: unknown): Promise<void> => handleEvent(event, ports);
