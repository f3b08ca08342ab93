import type { SQSClient } from "@aws-sdk/client-sqs";
import { settleQueued } from "../functions/settlement/settlement-queue.ts";
import { drainDeadLetters } from "../functions/sweep/dead-letters.ts";
import { type SweepPorts, sweep } from "../functions/sweep/sweep.ts";
import { deliverQueued } from "../functions/webhooks/delivery-queue.ts";
import { SqsJobQueue } from "../shared/aws/sqs-job-queue.ts";
import type { RandomBytes } from "../shared/ports/clock.ts";
import { createGuardedSender } from "../shared/webhooks/guarded-sender.ts";
import { loopbackToo } from "./loopback-too.ts";
import type { StandIns } from "./stand-ins.ts";

/** Milliseconds between two passes, for interactive use. In production, it is a minute. */
const interval = 500;
/** Seconds of a long poll. */
const poll = 1;
/** Concurrent batches of webhooks. */
const maxSending = 4;

type LocalPorts = Omit<SweepPorts, "webhooks" | "meter"> & { readonly random: RandomBytes };

/**
 * Runs the sweeper, the dead-letter consumer, the settlement and the webhook sender in loops. In production,
 * schedules and queues trigger them.
 */
export function startSweeper(
  ports: LocalPorts,
  sqs: SQSClient,
  { deadLetterUrls, webhookQueueUrl, settlementQueueUrl }: StandIns,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const dead = Object.values(deadLetterUrls).map((url) => new SqsJobQueue(sqs, url));
  const webhooks = new SqsJobQueue(sqs, webhookQueueUrl);
  const settlements = new SqsJobQueue(sqs, settlementQueueUrl);
  const sender = createGuardedSender(loopbackToo);
  const repeat = async (look: () => Promise<unknown>) => {
    while (!signal.aborted) {
      try {
        await look();
      } catch (error) {
        ports.log.error("the sweeper failed", { error });
      }
      await ports.clock.sleep(interval, signal);
    }
  };
  const running = [
    repeat(async () => {
      await sweep({ ...ports, webhooks, meter: undefined });
      for (const queue of dead) await drainDeadLetters(ports, queue);
    }),
    repeat(async () => {
      while (!signal.aborted) await settleQueued(ports, settlements, poll, signal);
    }),
    ...Array.from({ length: maxSending }, () =>
      repeat(async () => {
        while (!signal.aborted && (await deliverQueued({ ...ports, sender }, webhooks)));
      }),
    ),
  ];
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
