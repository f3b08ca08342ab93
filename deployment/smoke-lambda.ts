/** Lambda entry point of the smoke run. A deployment invokes it before it replaces a worker. */
import { ECSClient } from "@aws-sdk/client-ecs";
import { systemClock } from "../shared/system-clock.ts";
import { runSmokeTask, type SmokeResult, smokeOrderSchema } from "./run-smoke-task.ts";

const ecs = new ECSClient({ maxAttempts: 6 });

export const handler = (event: unknown): Promise<SmokeResult> =>
  runSmokeTask(ecs, systemClock, smokeOrderSchema.parse(event));
