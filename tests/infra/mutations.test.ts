import { expect, test } from "vitest";
import { type Checks, Cloud } from "./cloud.ts";
import { edgeChecks, firewallChecks } from "./edge-checks.ts";
import { evaluate, type Mutation } from "./evaluate.ts";
import { scalingChecks } from "./scaling-checks.ts";
import { lastingChecks, storageChecks } from "./storage-checks.ts";
import { watchChecks } from "./watch-checks.ts";
import { gpuChecks, workerChecks } from "./worker-checks.ts";

const checks: Checks = {
  ...{ ...edgeChecks, ...firewallChecks, ...storageChecks, ...lastingChecks },
  ...{ ...workerChecks, ...gpuChecks, ...scalingChecks, ...watchChecks },
};

/** A mistake in the program, and the sentence that must stop being true. Each is made in `infra/` itself and evaluated anew. */
const mutations: readonly (readonly [mistake: string, mutation: Mutation, sentence: string])[] = [
  [
    "the GPU line is dropped",
    {
      file: "infra/worker-task.ts",
      from: '...(gpu ? { resourceRequirements: [{ type: "GPU", value: "1" }] } : {}),',
      to: "",
    },
    "the worker's task really asks for a GPU",
  ],
  [
    "the bucket is opened",
    { file: "infra/bucket.ts", from: "  cors: {", to: '  access: "public",\n  cors: {' },
    "no bucket can become public",
  ],
  [
    "the bucket takes plain HTTP",
    { file: "infra/bucket.ts", from: "  cors: {", to: "  enforceHttps: false,\n  cors: {" },
    "every bucket refuses plain HTTP",
  ],
  [
    "links would follow the request's host",
    { file: "infra/edge-function.ts", from: "    VISII_PUBLIC_URL: router.url,\n", to: "" },
    "every function is told what functions/config.ts asks for",
  ],
  [
    "the API may do anything with the queues",
    { file: "infra/queues.ts", from: 'actions: ["sqs:SendMessage"]', to: 'actions: ["sqs:*"]' },
    "the API can put on the queue and cannot read it",
  ],
  [
    "rows may be scanned",
    {
      file: "infra/table.ts",
      from: '    "dynamodb:Query",\n  ],',
      to: '    "dynamodb:Query",\n    "dynamodb:Scan",\n  ],',
    },
    "whoever uses rows does so by key and cannot scan everybody's",
  ],
  [
    "nobody may list the bucket",
    { file: "infra/worker-role.ts", from: "            listObjects,\n", to: "" },
    "whoever reads objects can tell a missing one from a forbidden one",
  ],
  [
    "interactive takes from bulk's queue too",
    {
      file: "scaler/policy.ts",
      from: "pools[pool].lanes.flat();",
      to: '[...pools[pool].lanes.flat(), "bulk" as const];',
    },
    "a worker takes from its own queues and puts back on those alone",
  ],
  [
    "the scaler may touch everybody's rows",
    { file: "infra/scaler.ts", from: "values: [scalerPartition]", to: 'values: [scalerPartition, "acc_1"]' },
    "it counts queues, resizes the workers' services, keeps rows of its own, and may nothing else",
  ],
  [
    "the scaler outlives its turn",
    { file: "infra/scaler.ts", from: 'timeout: "25 seconds"', to: 'timeout: "60 seconds"' },
    "two never act at once: a turn at a pool is longer than the function runs",
  ],
  [
    "a stored learning wakes nobody",
    { file: "scaler/handle.ts", from: '  "ins#": ["learning"],\n', to: "" },
    "it comes every minute, and a stored job wakes it",
  ],
  [
    "Spot is all there is",
    {
      file: "infra/gpu-machines.ts",
      from: 'purchase === "onDemand" ? 100 : 0',
      to: "0",
    },
    "each pool has machines of its own on Spot, and others on demand that come when Spot has none",
  ],
  [
    "an alarm takes missing data for zero",
    { file: "infra/alarms.ts", from: "IF(wanted > 0", to: "IF(FILL(wanted, 0) > 0" },
    "no formula of an alarm or a graph takes missing data for zero",
  ],
  [
    "production can be removed",
    { file: "sst.config.ts", from: 'removal: lasting ? "retain" : "remove"', to: 'removal: "remove"' },
    "production survives `sst remove`",
  ],
  [
    "the table may be deleted",
    { file: "infra/table.ts", from: "deletionProtection: stage.lasting", to: "deletionProtection: false" },
    "the table refuses to be deleted",
  ],
  [
    "the metadata service answers its first version",
    { file: "infra/gpu-machines.ts", from: 'httpTokens: "required"', to: 'httpTokens: "optional"' },
    "every instance answers version 2 of its metadata service only",
  ],
  [
    "Spot machines do not drain",
    { file: "infra/gpu-machines.ts", from: "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n", to: "" },
    "Spot machines drain when they are to go",
  ],
  [
    "machines get addresses",
    {
      file: "infra/gpu-machines.ts",
      from: 'associatePublicIpAddress: "false"',
      to: 'associatePublicIpAddress: "true"',
    },
    "no worker and no machine has an address of its own",
  ],
  [
    "a deployment resets the number of workers",
    { file: "infra/workers.ts", from: 'ignoreChanges: ["desiredCount"], ', to: "" },
    "a deployment starts a new worker first, rolls back what fails and counts nobody's workers",
  ],
  [
    "instructions go with the uploads",
    { file: "infra/bucket.ts", from: 'prefix: "uploads/", ', to: "" },
    "instructions, weights and what accounts drop stay",
  ],
  [
    "visibility is guessed",
    { file: "infra/queues.ts", from: "queueTiming.visibility", to: "2 * 15" },
    "visibility and redelivery are the numbers that the worker uses",
  ],
  [
    "CORS is answered twice",
    { file: "infra/api.ts", from: "    cors: false,\n", to: "" },
    "CORS is answered by the app alone, so that no header comes twice",
  ],
  [
    "the answers are not streamed",
    { file: "infra/api.ts", from: "streaming: true", to: "streaming: false" },
    "the API answers as a stream",
  ],
  [
    "the container may write everywhere",
    {
      file: "infra/worker-task.ts",
      from: "readonlyRootFilesystem: true",
      to: "readonlyRootFilesystem: false",
    },
    "containers are not root, gain nothing and cannot write their own file system",
  ],
  [
    "an alarm names a series of yesterday",
    {
      file: "infra/job-metrics.ts",
      from: 'select("DeadLetters", kindDimensions)',
      to: 'select("DeadMessages" as never, kindDimensions)',
    },
    "dashboard and alarms name only series that the code writes, with their dimensions",
  ],
  [
    "an alarm speaks to nobody",
    { file: "infra/alarms.ts", from: "alarmActions: [announcements.arn], ", to: "alarmActions: [], " },
    "every alarm is heard, and says what it means",
  ],
  [
    "the router keeps answers",
    { file: "infra/router.ts", from: "        cachePolicyId: cachingDisabled,\n", to: "" },
    "the router keeps no answer and gives none to two callers",
  ],
  [
    "machines are not tagged",
    { file: "infra/gpu-machines.ts", from: "{ ...tags, AmazonECSManaged", to: "{ AmazonECSManaged" },
    "machines and their disks, which AWS makes by itself, are tagged as the rest is",
  ],
  [
    "nothing is tagged by default",
    { file: "sst.config.ts", from: "defaultTags: { tags: tagsOf(stage) }", to: "" },
    "everything is tagged with its project and stage, and workers' tasks with their service",
  ],
  [
    "graphs count every stage",
    { file: "infra/job-metrics.ts", from: ' Stage="', to: ' Kind="' },
    "dashboard and alarms count this stage alone",
  ],
  [
    "alarms count every stage",
    { file: "infra/job-metrics.ts", from: "WHERE Stage = '", to: "WHERE Kind = '" },
    "dashboard and alarms count this stage alone",
  ],
  [
    "workers do not say their stage",
    { file: "infra/worker-task.ts", from: " VISII_STAGE: $app.stage,", to: "" },
    "every worker is told what gpu-worker/config.ts asks for",
  ],
  [
    "ECS may pull every image of the account",
    { file: "infra/worker-image.ts", from: "resources: repositories,", to: 'resources: ["*"],' },
    "ECS may pull the one image and write the task's own log, and nothing else",
  ],
  [
    "machines with tasks may be taken away",
    {
      file: "infra/gpu-machines.ts",
      from: 'managedTerminationProtection: "ENABLED"',
      to: 'managedTerminationProtection: "DISABLED"',
    },
    "ECS adds machines for tasks and never takes one with a task on it",
  ],
  [
    "a worker that dies as it starts hides that none works",
    { file: "infra/alarms.ts", from: "datapointsToAlarm: 12", to: "datapointsToAlarm: 20" },
    "a pool without workers is noticed, also where they start and die again; a cold start is not",
  ],
  [
    "workers change before the image is proven",
    { file: "infra/workers.ts", from: "dependsOn: [providers, smokeRun]", to: "dependsOn: [providers]" },
    "a deployment runs the new image once before it changes a worker",
  ],
  [
    "two lanes take more than the card has",
    { file: "infra/worker-task.ts", from: "interactive: [8, 13]", to: "interactive: [14, 14]" },
    "the lanes' shares of memory fit every card that a worker may get, and both compute in half precision",
  ],
  [
    "the router does not say that a request came through it",
    { file: "infra/router.ts", from: "injection: $interpolate", to: "injection: `` && $interpolate" },
    "the API answers what came through its router, and the router says so",
  ],
  [
    "callers can starve the sweeper",
    { file: "infra/sweeper.ts", from: "    ...reserved(2),\n", to: "" },
    "functions that mend and scale have room that callers cannot take",
  ],
  [
    "everybody of the account may take a function's role",
    {
      file: "infra/edge-function.ts",
      from: '    role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },\n',
      to: "",
    },
    "a role is taken by the one service it is for",
  ],
];

test.concurrent.each(mutations)("when %s, a test fails", async (_, mutation, sentence) => {
  const cloud = new Cloud("production", await evaluate("production", { mutation }));
  const check = checks[sentence];
  expect(check, sentence).toBeDefined();
  expect(() => check!(cloud)).toThrow();
});
