import { beforeAll, describe, test } from "vitest";
import { type Checks, Cloud } from "./cloud.ts";
import { edgeChecks, firewallChecks } from "./edge-checks.ts";
import { evaluate } from "./evaluate.ts";
import { scalingChecks } from "./scaling-checks.ts";
import { lastingChecks, passingChecks, storageChecks } from "./storage-checks.ts";
import { watchChecks } from "./watch-checks.ts";
import { cpuChecks, gpuChecks, workerChecks } from "./worker-checks.ts";

const everywhere: Checks = {
  ...edgeChecks,
  ...storageChecks,
  ...workerChecks,
  ...scalingChecks,
  ...watchChecks,
};

describe.each<[string, Checks]>([
  ["production", { ...everywhere, ...gpuChecks, ...lastingChecks, ...firewallChecks }],
  ["dev", { ...everywhere, ...gpuChecks, ...passingChecks }],
  ["cpu-only", { ...everywhere, ...cpuChecks, ...passingChecks }],
])("on %s", (stage, checks) => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = new Cloud(stage, await evaluate(stage));
  });

  test.each(Object.keys(checks))("%s", (title) => checks[title]!(cloud));
});
