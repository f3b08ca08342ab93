import { type PoolName, queuesOf } from "../scaler/policy.ts";
import { workerAccess } from "../shared/worker-access.ts";
import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { cluster } from "./cluster.ts";
import { putOnQueues, takeFromQueues } from "./queues.ts";
import { putOnSettlementQueue } from "./settlement-queue.ts";
import { useRowsOf } from "./table.ts";
import { pullWorkerImage } from "./worker-image.ts";

/** Roles of tasks. */
export const taskPrincipal = aws.iam.assumeRolePolicyForPrincipal({ Service: "ecs-tasks.amazonaws.com" });

/** Role of ECS for one task: pulls the image and writes the log. */
export const createExecutionRole = (title: string, log: aws.cloudwatch.LogGroup) =>
  new aws.iam.Role(`${title}Execution`, {
    assumeRolePolicy: taskPrincipal,
    inlinePolicies: [
      {
        name: "start",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            {
              actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
              resources: [$interpolate`${log.arn}:*`],
            },
            ...pullWorkerImage,
          ],
        }).json,
      },
    ],
  });

/**
 * Role of a pool's workers: their queues, the rows of runs and events, and the objects of jobs. S3 and DynamoDB policies
 * cannot restrict it to one job, because the job is known only at run time.
 */
export const createWorkerRole = (pool: PoolName, title: string) =>
  new aws.iam.Role(`${title}Worker`, {
    assumeRolePolicy: taskPrincipal,
    inlinePolicies: [
      {
        name: "work",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            takeFromQueues(queuesOf(pool)),
            // A worker that stops returns its job to the queue.
            putOnQueues(queuesOf(pool)),
            putOnSettlementQueue,
            ...workerAccess.map(useRowsOf),
            listObjects,
            readObjects("inputs", "normalized", "instructions", "models"),
            writeObjects("normalized", "instructions", "results"),
            // The checkpoint of a finished learning job, and the image of a deleted upload.
            deleteObjects("normalized", "instructions"),
            {
              // Protects a worker with a job from scale-in.
              actions: ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"],
              resources: [cluster.arn.apply((arn) => `${arn.replace(":cluster/", ":task/")}/*`)],
            },
          ],
        }).json,
      },
    ],
  });
