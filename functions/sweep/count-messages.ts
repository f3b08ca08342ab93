import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { QueueName } from "../../shared/queue-timing.ts";

/**
 * Writes down how many messages each queue holds. Asking is half of the purpose: CloudWatch lets the metrics of a queue sleep that
 * nobody has touched for six hours, and wakes them up to fifteen minutes late (Amazon SQS: "Available CloudWatch metrics");
 * the alarms that start the first worker of a morning read those.
 */
export async function countMessages(queues: Readonly<Record<QueueName, JobQueue>>, log: Log): Promise<void> {
  const depths = await Promise.all(
    Object.entries(queues).map(async ([name, queue]) => [name, await queue.depth()] as const),
  );
  log.info("the queues hold", Object.fromEntries(depths));
}
