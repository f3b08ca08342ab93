import { queuesOfRows } from "../scaler/handle.ts";
import { poolNames } from "../scaler/policy.ts";
import { scalerPartition } from "../shared/rows.ts";
import { cluster } from "./cluster.ts";
import { functionDefaults, reserved } from "./edge-function.ts";
import { countQueues, queueNames, queueUrls } from "./queues.ts";
import { stage } from "./stage.ts";
import { table } from "./table.ts";
import { workers } from "./workers.ts";

const servicesOf = (pool: (typeof poolNames)[number]) =>
  Object.fromEntries(
    workers.filter((each) => each.pool === pool).map(({ purchase, service }) => [purchase, service.name]),
  );

/** The function that scales workers (`scaler/`). */
const scaler: sst.aws.FunctionArgs = {
  ...functionDefaults,
  ...reserved(2),
  handler: "scaler/lambda.handler",
  description: "Scales the workers.",
  memory: "256 MB",
  // Shorter than its lock on a pool (`turnTiming`), so that two never act at the same time.
  timeout: "25 seconds",
  environment: {
    VISII_STAGE: $app.stage,
    VISII_TABLE: table.name,
    VISII_QUEUE_URLS: queueUrls,
    VISII_CLUSTER: cluster.name,
    VISII_POOLS: $jsonStringify(
      Object.fromEntries(
        poolNames.map((pool) => [pool, { ...stage.pools[pool], services: servicesOf(pool) }]),
      ),
    ),
  },
  permissions: [
    countQueues(queueNames),
    {
      actions: ["ecs:DescribeServices", "ecs:UpdateService"],
      resources: workers.map(({ service }) => service.arn),
    },
    {
      actions: ["dynamodb:GetItem", "dynamodb:PutItem"],
      resources: [table.arn],
      // Only its own rows.
      conditions: [
        { test: "ForAllValues:StringEquals", variable: "dynamodb:LeadingKeys", values: [scalerPartition] },
      ],
    },
  ],
};

/** Evaluates all pools every minute. */
export const lookingScaler = new sst.aws.CronV2("Scale", {
  schedule: "rate(1 minute)",
  function: scaler,
  // The next minute is the retry.
  retries: 0,
});

/** Starts workers as soon as a job is stored. */
export const wakingScaler = table.subscribe("Wake", scaler, {
  filters: Object.keys(queuesOfRows).map((prefix) => ({
    eventName: ["INSERT"],
    dynamodb: { Keys: { sk: { S: [{ prefix }] } } },
  })),
  transform: {
    // The schedule covers failures. A window of one second handles the rows of a burst or batch together.
    eventSourceMapping: {
      ...{ batchSize: 1000, maximumBatchingWindowInSeconds: 1 },
      ...{ maximumRetryAttempts: 1, maximumRecordAgeInSeconds: 60 },
    },
  },
});
