import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { cluster } from "./cluster.ts";
import { putOnQueues, takeFromQueues } from "./queues.ts";
import { type PoolName, queuesOf } from "./scaling-policy.ts";
import { useRows } from "./table.ts";

const assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "ecs-tasks.amazonaws.com" });

/** ECS's own, to pull the image and to write the log. */
export const executionRole = new aws.iam.Role("WorkerExecution", {
  assumeRolePolicy,
  managedPolicyArns: [
    $interpolate`arn:${aws.getPartitionOutput().partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy`,
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
