import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { SqsJobQueue } from "../../shared/aws/sqs-job-queue.ts";

let made = 0;

/** Creates a queue, and its dead-letter queue, which receives messages after `maxReceives` deliveries. */
export async function createQueuePair(
  sqs: SQSClient,
  maxReceives: number,
): Promise<{ readonly queue: SqsJobQueue; readonly dead: SqsJobQueue }> {
  const name = `contract-${++made}`;
  const dead = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-dead` }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: dead.QueueUrl!, AttributeNames: ["QueueArn"] }),
  );
  const redrive = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: maxReceives };
  const queue = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { RedrivePolicy: JSON.stringify(redrive) } }),
  );
  return { queue: new SqsJobQueue(sqs, queue.QueueUrl!), dead: new SqsJobQueue(sqs, dead.QueueUrl!) };
}
