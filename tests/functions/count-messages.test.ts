import { afterAll, beforeAll, expect, test } from "vitest";
import { countMessages } from "../../functions/sweep/count-messages.ts";
import { type StandIns, startStandIns } from "../../local/stand-ins.ts";
import { type AwsClients, createAwsClients } from "../../shared/aws/clients.ts";
import { SqsJobQueue } from "../../shared/aws/sqs-job-queue.ts";
import { createJsonLog } from "../../shared/json-log.ts";

let standIns: StandIns;
let clients: AwsClients;

beforeAll(async () => {
  standIns = await startStandIns();
  clients = createAwsClients(standIns.aws);
});
afterAll(async () => {
  clients.destroy();
  await standIns.stop();
});

test("the sweeper writes down what each queue holds, waiting and in work", async () => {
  const { interactive, learning, bulk } = standIns.queueUrls;
  const queue = (url: string) => new SqsJobQueue(clients.sqs, url);
  const queues = { interactive: queue(interactive), learning: queue(learning), bulk: queue(bulk) };
  await queues.bulk.send("a");
  await queues.bulk.send("b");
  await queues.bulk.receive({ maximum: 1, waitSeconds: 0, visibilitySeconds: 60 });
  await queues.learning.send("c");
  const lines: string[] = [];
  await countMessages(
    queues,
    createJsonLog((line) => lines.push(line), Date.now),
  );
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      interactive: { visible: 0, inFlight: 0, delayed: 0 },
      learning: { visible: 1, inFlight: 0, delayed: 0 },
      bulk: { visible: 1, inFlight: 1, delayed: 0 },
    }),
  ]);
});
