/** Lambda entry point of the smoke run. A deployment invokes it before it replaces a worker. */
import { ECSClient } from "@aws-sdk/client-ecs";
import { systemClock } from "../shared/system-clock.ts";
import { runSmokeTask, smokeOrderSchema } from "./run-smoke-task.ts";

const ecs = new ECSClient({ maxAttempts: 6 });

export async function handler(event: unknown): Promise<{ readonly passed: true }> {
  await runSmokeTask(ecs, systemClock, smokeOrderSchema.parse(event));
  return { passed: true };
}
