import type { SQSClient } from "@aws-sdk/client-sqs";
import { buryDead } from "../functions/sweep/bury-dead.ts";
import { type SweepPorts, sweep } from "../functions/sweep/sweep.ts";
import { SqsJobQueue } from "../shared/aws/sqs-job-queue.ts";
import { createGuardedSender } from "../shared/webhooks/guarded-sender.ts";
import { loopbackToo } from "./loopback-too.ts";
import type { StandIns } from "./stand-ins.ts";

/** Milliseconds between two looks; a schedule's minute is too long for somebody who watches. */
const interval = 500;

/** What schedules do in production, in a loop: the sweeper with its webhooks, and the dead-letter queues. */
export function startSweeper(
  ports: Omit<SweepPorts, "sender" | "meter">,
  sqs: SQSClient,
  { deadLetterUrls }: StandIns,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const dead = Object.values(deadLetterUrls).map((url) => new SqsJobQueue(sqs, url));
  const sender = createGuardedSender(loopbackToo);
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await sweep({ ...ports, sender, meter: undefined });
        for (const queue of dead) await buryDead(ports, queue);
      } catch (error) {
        ports.log.error("the sweeper stumbled", { error });
      }
      await ports.clock.sleep(interval, stopping.signal);
    }
  })();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
