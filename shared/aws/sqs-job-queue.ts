import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { defined } from "../defined.ts";
import { RetryableError } from "../errors.ts";
import type { JobQueue, QueueDepth, ReceivedMessage } from "../ports/job-queue.ts";
import { callService, failureName } from "./service-failure.ts";

/** Maximum messages per SQS call. */
const perCall = 10;

/** A standard SQS queue. */
export class SqsJobQueue implements JobQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  async send(body: string, delaySeconds?: number): Promise<void> {
    const command = new SendMessageCommand({
      QueueUrl: this.#url,
      MessageBody: body,
      ...defined({ DelaySeconds: delaySeconds }),
    });
    await callService("send a message", () => this.#client.send(command));
  }

  async sendAll(bodies: readonly string[]): Promise<void> {
    const groups = Array.from({ length: Math.ceil(bodies.length / perCall) }, (_, group) =>
      bodies.slice(group * perCall, (group + 1) * perCall),
    );
    await Promise.all(
      groups.map(async (group) => {
        const command = new SendMessageBatchCommand({
          QueueUrl: this.#url,
          Entries: group.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
        });
        const { Failed = [] } = await callService("send messages", () => this.#client.send(command));
        if (Failed.length)
          throw new RetryableError(`send messages: ${Failed.length} of ${group.length}: ${Failed[0]?.Code}`);
      }),
    );
  }

  async receive(options: Parameters<JobQueue["receive"]>[0]): Promise<readonly ReceivedMessage[]> {
    const { maximum, waitSeconds, visibilitySeconds, signal } = options;
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#url,
      MaxNumberOfMessages: maximum,
      WaitTimeSeconds: waitSeconds,
      VisibilityTimeout: visibilitySeconds,
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    try {
      const { Messages } = await callService("receive messages", () =>
        this.#client.send(command, signal ? { abortSignal: signal } : {}),
      );
      return (Messages ?? []).map(({ Body, ReceiptHandle, Attributes }) => ({
        body: Body ?? "",
        receipt: ReceiptHandle!,
        receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
      }));
    } catch (error) {
      if (signal?.aborted && failureName(error) === "AbortError") return [];
      throw error;
    }
  }

  async extend(receipt: string, seconds: number): Promise<void> {
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: this.#url,
      ReceiptHandle: receipt,
      VisibilityTimeout: seconds,
    });
    await callService("extend a message", () => this.#client.send(command));
  }

  async delete(receipt: string): Promise<void> {
    const command = new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receipt });
    await callService("delete a message", () => this.#client.send(command));
  }

  async depth(): Promise<QueueDepth> {
    const command = new GetQueueAttributesCommand({
      QueueUrl: this.#url,
      AttributeNames: [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
      ],
    });
    const { Attributes } = await callService("count messages", () => this.#client.send(command));
    return {
      visible: Number(Attributes?.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0),
      delayed: Number(Attributes?.ApproximateNumberOfMessagesDelayed ?? 0),
    };
  }
}
