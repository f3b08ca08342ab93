import { expect, test } from "vitest";
import { type Checks, Cloud } from "./cloud.ts";
import { edgeChecks, firewallChecks } from "./edge-checks.ts";
import { evaluate, type Mutation } from "./evaluate.ts";
import { scalingChecks } from "./scaling-checks.ts";
import { lastingChecks, storageChecks } from "./storage-checks.ts";
import { watchChecks } from "./watch-checks.ts";
import { gpuChecks, workerChecks } from "./worker-checks.ts";

const checks: Checks = {
  ...edgeChecks,
  ...firewallChecks,
  ...storageChecks,
  ...lastingChecks,
  ...workerChecks,
  ...gpuChecks,
  ...scalingChecks,
  ...watchChecks,
};

/** A mistake planted in the program, and the check that must fail. */
const mutations: readonly (readonly [mistake: string, mutation: Mutation, check: string])[] = [
  [
    "the task requires no GPU",
    {
      file: "infra/worker-task.ts",
      from: '...(gpu ? { resourceRequirements: [{ type: "GPU", value: "1" }] } : {}),',
      to: "",
    },
    "the worker's task requires a GPU",
  ],
  [
    "the bucket is public",
    { file: "infra/bucket.ts", from: "  cors: {", to: '  access: "public",\n  cors: {' },
    "no bucket can be made public",
  ],
  [
    "the bucket accepts plain HTTP",
    { file: "infra/bucket.ts", from: "  cors: {", to: "  enforceHttps: false,\n  cors: {" },
    "every bucket rejects plain HTTP",
  ],
  [
    "links use the request's host",
    { file: "infra/edge-function.ts", from: "    VISII_PUBLIC_URL: router.url,\n", to: "" },
    "every function has the environment variables of functions/config.ts",
  ],
  [
    "the API has all permissions on the queues",
    { file: "infra/queues.ts", from: 'actions: ["sqs:SendMessage"]', to: 'actions: ["sqs:*"]' },
    "the API sends messages and cannot receive them",
  ],
  [
    "the table may be scanned",
    {
      file: "infra/table.ts",
      from: '    "dynamodb:Query",\n  ],',
      to: '    "dynamodb:Query",\n    "dynamodb:Scan",\n  ],',
    },
    "functions access rows by key, and no role scans the table",
  ],
  [
    "rows may not be read in batches",
    { file: "infra/table.ts", from: '    "dynamodb:BatchGetItem",\n', to: "" },
    "functions may call every operation of DynamoDB that the adapter uses",
  ],
  [
    "workers may write accounts",
    {
      file: "shared/worker-access.ts",
      from: 'partitions: [rowKeys.run("*", "*").pk]',
      to: 'partitions: [rowKeys.run("*", "*").pk, "acc_*"]',
    },
    "a worker reads and writes runs, writes events, and accesses no other row",
  ],
  [
    "workers may access all partitions",
    { file: "infra/table.ts", from: "values: [...partitions]", to: 'values: ["*"]' },
    "a worker reads and writes runs, writes events, and accesses no other row",
  ],
  [
    "workers may delete runs",
    {
      file: "shared/worker-access.ts",
      from: '"PutItem", "UpdateItem"]',
      to: '"PutItem", "UpdateItem", "DeleteItem"]',
    },
    "a worker reads and writes runs, writes events, and accesses no other row",
  ],
  [
    "workers may not publish events",
    {
      file: "shared/worker-access.ts",
      from: '  { operations: ["PutItem"], partitions: [rowKeys.event("*", "").pk] },\n',
      to: "",
    },
    "a worker reads and writes runs, writes events, and accesses no other row",
  ],
  [
    "workers may not request settlements",
    { file: "infra/worker-role.ts", from: "            putOnSettlementQueue,\n", to: "" },
    "workers request settlements, which only their function receives",
  ],
  [
    "workers may not list the bucket",
    { file: "infra/worker-role.ts", from: "            listObjects,\n", to: "" },
    "roles that read objects can list the bucket, so that S3 returns 404 for a missing object",
  ],
  [
    "the interactive pool also receives from the bulk queue",
    {
      file: "scaler/policy.ts",
      from: "pools[pool].lanes.flat();",
      to: '[...pools[pool].lanes.flat(), "bulk" as const];',
    },
    "a worker uses only its own queues",
  ],
  [
    "the scaler may access an account's rows",
    { file: "infra/scaler.ts", from: "values: [scalerPartition]", to: 'values: [scalerPartition, "acc_1"]' },
    "the scaler counts queues, resizes services and groups, and accesses only its own rows",
  ],
  [
    "the scaler's timeout exceeds its lock",
    { file: "infra/scaler.ts", from: 'timeout: "25 seconds"', to: 'timeout: "60 seconds"' },
    "the scaler's lock outlives its timeout",
  ],
  [
    "a stored learning job does not invoke the scaler",
    { file: "scaler/handle.ts", from: '  "ins#": ["learning"],\n', to: "" },
    "the scaler runs every minute and for every stored job",
  ],
  [
    "all machines are Spot",
    {
      file: "infra/gpu-machines.ts",
      from: 'purchase === "onDemand" ? 100 : 0',
      to: "0",
    },
    "each pool has its own Spot machines and its own on-demand machines",
  ],
  [
    "an alarm replaces missing data by zero",
    { file: "infra/alarms.ts", from: "IF(wanted > 0", to: "IF(FILL(wanted, 0) > 0" },
    "no metric expression replaces missing data by zero",
  ],
  [
    "production can be removed",
    { file: "sst.config.ts", from: 'removal: lasting ? "retain" : "remove"', to: 'removal: "remove"' },
    "`sst remove` keeps production's data",
  ],
  [
    "the table has no deletion protection",
    { file: "infra/table.ts", from: "deletionProtection: stage.lasting", to: "deletionProtection: false" },
    "the table has deletion protection",
  ],
  [
    "the metadata service accepts version 1",
    { file: "infra/gpu-machines.ts", from: 'httpTokens: "required"', to: 'httpTokens: "optional"' },
    "every instance requires version 2 of the metadata service",
  ],
  [
    "Spot machines do not drain",
    { file: "infra/gpu-machines.ts", from: "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n", to: "" },
    "Spot machines drain after an interruption notice",
  ],
  [
    "machines have public addresses",
    {
      file: "infra/gpu-machines.ts",
      from: 'associatePublicIpAddress: "false"',
      to: 'associatePublicIpAddress: "true"',
    },
    "workers and machines have no public address",
  ],
  [
    "a deployment resets the number of workers",
    { file: "infra/workers.ts", from: 'ignoreChanges: ["desiredCount"], ', to: "" },
    "a deployment starts a new worker first, rolls back failures, and keeps the number of workers",
  ],
  [
    "instructions expire with the uploads",
    { file: "infra/bucket.ts", from: 'prefix: "uploads/", ', to: "" },
    "instructions, models and drops do not expire",
  ],
  [
    "the visibility timeout is not the worker's",
    { file: "infra/queues.ts", from: "queueTiming.visibility", to: "2 * 15" },
    "visibility timeout and maximum receives are those of the worker's code",
  ],
  [
    "the function URL handles CORS too",
    { file: "infra/api.ts", from: "    cors: false,\n", to: "" },
    "only the app handles CORS",
  ],
  [
    "responses are not streamed",
    { file: "infra/api.ts", from: "streaming: true", to: "streaming: false" },
    "the API streams responses",
  ],
  [
    "the root file system is writable",
    {
      file: "infra/worker-task.ts",
      from: "readonlyRootFilesystem: true",
      to: "readonlyRootFilesystem: false",
    },
    "containers run without root, capabilities and a writable root file system",
  ],
  [
    "an alarm uses a metric that the code does not write",
    {
      file: "infra/job-metrics.ts",
      from: 'select("DeadLetters", kindDimensions)',
      to: 'select("DeadMessages" as never, kindDimensions)',
    },
    "dashboard and alarms use exactly the metrics that the code writes, with their dimensions",
  ],
  [
    "alarms have no action",
    { file: "infra/alarms.ts", from: "alarmActions: [announcements.arn], ", to: "alarmActions: [], " },
    "every alarm notifies the topic and has a description",
  ],
  [
    "the router caches responses",
    { file: "infra/router.ts", from: "        cachePolicyId: cachingDisabled,\n", to: "" },
    "the router caches no response",
  ],
  [
    "machines are not tagged",
    { file: "infra/gpu-machines.ts", from: "{ ...tags, AmazonECSManaged", to: "{ AmazonECSManaged" },
    "machines and their disks are tagged",
  ],
  [
    "there are no default tags",
    { file: "sst.config.ts", from: "defaultTags: { tags: tagsOf(stage) }", to: "" },
    "all resources have the tags project and stage, and tasks those of their service",
  ],
  [
    "graphs use the metrics of every stage",
    { file: "infra/job-metrics.ts", from: ' Stage="', to: ' Kind="' },
    "dashboard and alarms use only this stage's metrics",
  ],
  [
    "alarms use the metrics of every stage",
    { file: "infra/job-metrics.ts", from: "WHERE Stage = '", to: "WHERE Kind = '" },
    "dashboard and alarms use only this stage's metrics",
  ],
  [
    "workers do not know their stage",
    { file: "infra/worker-task.ts", from: " VISII_STAGE: $app.stage,", to: "" },
    "every worker has the environment variables of gpu-worker/config.ts",
  ],
  [
    "the execution role may pull every image",
    { file: "infra/worker-image.ts", from: "resources: repositories,", to: 'resources: ["*"],' },
    "the execution role pulls one image and writes one log",
  ],
  [
    "machines with tasks may be terminated",
    {
      file: "infra/gpu-machines.ts",
      from: 'managedTerminationProtection: "ENABLED"',
      to: 'managedTerminationProtection: "DISABLED"',
    },
    "ECS adds machines for tasks and never terminates one with a task",
  ],
  [
    "a crash loop raises no alarm",
    { file: "infra/alarms.ts", from: "datapointsToAlarm: 12", to: "datapointsToAlarm: 20" },
    "an alarm detects a pool without running workers, also in a crash loop, but not during a cold start",
  ],
  [
    "workers are replaced before the smoke run",
    {
      file: "infra/workers.ts",
      from: "dependsOn: [providers, smokeRun.invocation]",
      to: "dependsOn: [providers]",
    },
    "a deployment runs the new image once before it replaces workers",
  ],
  [
    "the lanes need more memory than the GPU has",
    { file: "infra/worker-task.ts", from: "interactive: [8, 13]", to: "interactive: [14, 14]" },
    "the lanes' memory fits every GPU type, in half precision",
  ],
  [
    "the router does not sign requests",
    { file: "infra/router.ts", from: "injection: $interpolate", to: "injection: `` && $interpolate" },
    "the router signs requests with the key that the API verifies",
  ],
  [
    "the sweeper has no reserved concurrency",
    { file: "infra/sweeper.ts", from: "    ...reserved(2),\n", to: "" },
    "sweeper, settlement, dead letters and scaler have reserved concurrency",
  ],
  [
    "the whole account may assume a function's role",
    {
      file: "infra/edge-function.ts",
      from: '    role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },\n',
      to: "",
    },
    "each role is assumed by one service only",
  ],
  [
    "workers' machines start from AWS's image",
    { file: "infra/workers.ts", from: "imageId: image.id,", to: "imageId: getEcsImage()," },
    "workers' machines start from an image of the builder after its smoke run",
  ],
  [
    "disks are initialized at EBS's default rate",
    { file: "infra/workers.ts", from: "    initialization: 300,\n", to: "" },
    "workers' machines start from an image of the builder after its smoke run",
  ],
  [
    "machines keep the builder's identity in ECS",
    { file: "infra/gpu-machines.ts", from: "rm -rf /var/lib/ecs/data/*\n", to: "" },
    "workers' machines start from an image of the builder after its smoke run",
  ],
  [
    "the smoke run computes no cache on the machine",
    { file: "infra/smoke.ts", from: 'cache: "write", ', to: "" },
    "the smoke run downloads the weights and fills the cache, where workers look for them",
  ],
  [
    "a deployment makes no new image after a model was published",
    { file: "infra/smoke.ts", from: "model: publishedModel()", to: "" },
    "a deployment runs the new image once before it replaces workers",
  ],
  [
    "the event of a failed Spot launch names no group",
    {
      file: "infra/scaler.ts",
      from: "AutoScalingGroupName: [group.name]",
      to: "AutoScalingGroupName: [service.name]",
    },
    "the scaler hears at once that a pool's Spot request failed",
  ],
  [
    "the scaler may not request machines",
    { file: "infra/scaler.ts", from: "autoscaling:SetDesiredCapacity", to: "autoscaling:DescribePolicies" },
    "the scaler counts queues, resizes services and groups, and accesses only its own rows",
  ],
  [
    "starting machines do not count as capacity",
    { file: "infra/gpu-machines.ts", from: "const instanceWarmup = 180;", to: "const instanceWarmup = 60;" },
    "ECS adds machines for tasks and never terminates one with a task",
  ],
];

test.concurrent.each(mutations)("a check fails if %s", async (_, mutation, title) => {
  const cloud = new Cloud("production", await evaluate("production", { mutation }));
  const check = checks[title];
  expect(check, title).toBeDefined();
  expect(() => check!(cloud)).toThrow();
});
