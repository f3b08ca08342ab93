import { type PoolName, queuesOf } from "../scaler/policy.ts";
import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { cluster } from "./cluster.ts";
import { putOnQueues, takeFromQueues } from "./queues.ts";
import { useRows } from "./table.ts";
import { pullWorkerImage } from "./worker-image.ts";

const assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "ecs-tasks.amazonaws.com" });

/** ECS's own: pulls the one image and writes the pool's log. */
export const createExecutionRole = (title: string, log: aws.cloudwatch.LogGroup) =>
  new aws.iam.Role(`${title}Execution`, {
    assumeRolePolicy,
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

/** What a pool's workers may do: their own queues, rows by key, the objects a job reads and writes. */
export const createWorkerRole = (pool: PoolName, title: string) =>
  new aws.iam.Role(`${title}Worker`, {
    assumeRolePolicy,
    inlinePolicies: [
      {
        name: "work",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            takeFromQueues(queuesOf(pool)),
            // A worker that is stopped puts its job back.
            putOnQueues(queuesOf(pool)),
            useRows,
            listObjects,
            readObjects("inputs", "instructions", "models"),
            writeObjects("instructions", "results"),
            // The state of a learning that is done.
            deleteObjects("instructions"),
            {
              // Says to ECS that it is busy, so that another is stopped.
              actions: ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"],
              resources: [cluster.arn.apply((arn) => `${arn.replace(":cluster/", ":task/")}/*`)],
            },
          ],
        }).json,
      },
    ],
  });
