import { queuesOfRows, type SpotRefused } from "../scaler/handle.ts";
import { type PoolName, poolNames } from "../scaler/policy.ts";
import { scalerPartition } from "../shared/rows.ts";
import { cluster } from "./cluster.ts";
import { functionDefaults, reserved } from "./edge-function.ts";
import { countQueues, queueNames, queueUrls } from "./queues.ts";
import { named, stage } from "./stage.ts";
import { table } from "./table.ts";
import { titleOf, workers } from "./workers.ts";

/** Names by purchase option. */
const servicesOf = (pool: PoolName) =>
  Object.fromEntries(
    workers.filter((each) => each.pool === pool).map(({ purchase, service }) => [purchase, service.name]),
  );
const groupsOf = (pool: PoolName) => {
  const groups = workers.flatMap(({ group, purchase, ...each }) =>
    each.pool === pool && group ? [[purchase, group.name] as const] : [],
  );
  return groups.length ? { groups: Object.fromEntries(groups) } : {};
};
const groupArns = workers.flatMap(({ group }) => (group ? [group.arn] : []));

/** The function that scales workers (`scaler/`). */
const scaler: sst.aws.FunctionArgs = {
  ...functionDefaults,
  ...reserved(2),
  handler: "scaler/lambda.handler",
  description: "Scales the workers.",
  memory: "256 MB",
  // Shorter than its lock on a pool (`lockTiming`), so that two invocations never scale a pool at the same
  // time.
  timeout: "25 seconds",
  environment: {
    VISII_STAGE: $app.stage,
    VISII_TABLE: table.name,
    VISII_QUEUE_URLS: queueUrls,
    VISII_CLUSTER: cluster.name,
    VISII_POOLS: $jsonStringify(
      Object.fromEntries(
        poolNames.map((pool) => [
          pool,
          { ...stage.pools[pool], services: servicesOf(pool), ...groupsOf(pool) },
        ]),
      ),
    ),
  },
  permissions: [
    countQueues(queueNames),
    {
      actions: ["ecs:DescribeServices", "ecs:UpdateService"],
      resources: workers.map(({ service }) => service.arn),
    },
    ...(groupArns.length
      ? [
          { actions: ["autoscaling:SetDesiredCapacity"], resources: groupArns },
          // This action does not support resource-level permissions.
          { actions: ["autoscaling:DescribeAutoScalingGroups"], resources: ["*"] },
        ]
      : []),
    {
      actions: ["dynamodb:GetItem", "dynamodb:PutItem"],
      resources: [table.arn],
      // The scaler's own rows only.
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
  // The next run, a minute later, is the retry.
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
      batchSize: 1000,
      maximumBatchingWindowInSeconds: 1,
      maximumRetryAttempts: 1,
      maximumRecordAgeInSeconds: 60,
    },
  },
});

/**
 * Starts on-demand workers as soon as AWS reports that it has no Spot capacity: Auto Scaling for machines,
 * ECS for Fargate. AWS delivers these events on a best-effort basis; without one, the scaler waits for
 * `spotTimeout`.
 */
for (const { pool, purchase, service, group } of workers) {
  if (purchase !== "spot") continue;
  const title = `${titleOf(pool)}SpotRefused`;
  const rule = new aws.cloudwatch.EventRule(title, {
    name: named(`spot-refused-${pool}`),
    description: `AWS has no Spot capacity for the ${pool} pool.`,
    eventPattern: $jsonStringify(
      group
        ? {
            source: ["aws.autoscaling"],
            "detail-type": ["EC2 Instance Launch Unsuccessful"],
            detail: { AutoScalingGroupName: [group.name] },
          }
        : {
            source: ["aws.ecs"],
            "detail-type": ["ECS Service Action"],
            resources: [service.arn],
            detail: { eventName: ["SERVICE_TASK_PLACEMENT_FAILURE"] },
          },
    ),
  });
  const { arn, name } = lookingScaler.nodes.function;
  new aws.cloudwatch.EventTarget(`${title}Target`, {
    rule: rule.name,
    arn,
    input: JSON.stringify({ spotRefused: pool } satisfies SpotRefused),
  });
  new aws.lambda.Permission(`${title}Permission`, {
    action: "lambda:InvokeFunction",
    function: name,
    principal: "events.amazonaws.com",
    sourceArn: rule.arn,
  });
}
