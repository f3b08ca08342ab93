import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consume } from "../../../gpu-worker/queue/consume.ts";
import type { JobQueue } from "../../../shared/ports/job-queue.ts";
import { queueTiming } from "../../../shared/queue-timing.ts";
import { systemClock as clock } from "../../../shared/system-clock.ts";
import { createQueuePair } from "../../contracts/create-queue-pair.ts";
import { type LocalWorld, openLocalWorld } from "../../local-world.ts";

/** Polls as long as in production, so that waiting for the end of a poll takes seconds. */
const timing = { ...queueTiming, visibility: 30 };
const errors: string[] = [];
const log = { info: () => undefined, error: (message: string) => void errors.push(message) };
const emptied = { visible: 0, inFlight: 0, delayed: 0 };

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world?.stop());

interface Pair {
  readonly interactive: JobQueue;
  readonly bulk: JobQueue;
  readonly dead: JobQueue;
}
async function open(): Promise<Pair> {
  const first = await createQueuePair(world.clients.sqs, 6);
  const second = await createQueuePair(world.clients.sqs, 6);
  return { interactive: first.queue, bulk: second.queue, dead: second.dead };
}

/**
 * A worker of the lane `interactive,bulk`. Records the messages that it started, in order, with their times
 * (milliseconds since 1970).
 */
function work({ interactive, bulk }: Pair, handling: (body: string) => number, onIdle = () => {}) {
  const stop = new AbortController();
  const begun: { readonly body: string; readonly at: number }[] = [];
  const running = consume({
    queues: [interactive, bulk],
    onIdle,
    timing,
    clock,
    log,
    signal: stop.signal,
    async handle({ body }) {
      begun.push({ body, at: Date.now() });
      await clock.sleep(handling(body));
      return "done";
    },
  });
  const end = () => {
    stop.abort();
    return running;
  };
  return { begun, end };
}

describe("a lane with two queues", () => {
  it("starts at once with a message of either queue", async () => {
    const pair = await open();
    const worker = work(pair, () => 0);
    const waitsFor = async (queue: JobQueue) => {
      const waits: number[] = [];
      for (let sent = 0; sent < 5; sent++) {
        // Long enough for its polls to be open.
        await clock.sleep(300);
        const [before, at] = [worker.begun.length, Date.now()];
        await queue.send("x");
        await expect.poll(() => worker.begun.length, { interval: 5, timeout: 15_000 }).toBe(before + 1);
        waits.push(worker.begun.at(-1)!.at - at);
      }
      return waits.toSorted((a, b) => a - b);
    };
    // A poll lasts 20 s; a lane that looked at its last queue for a second at a time would take 700 ms for
    // the first.
    expect((await waitsFor(pair.interactive))[2]).toBeLessThan(250);
    expect((await waitsFor(pair.bulk))[2]).toBeLessThan(250);
    await worker.end();
    expect(await pair.bulk.depth()).toEqual(emptied);
  });

  it("is idle when no message waits, and not before", async () => {
    const pair = await open();
    await pair.bulk.send("b1");
    const handled: number[] = [];
    const worker = work(
      pair,
      () => 0,
      () => handled.push(worker.begun.length),
    );
    await expect.poll(() => handled.length, { timeout: 15_000 }).toBe(1);
    await worker.end();
    expect(handled[0]).toBe(1);
  });

  it("prefers interactive messages if both queues have some", async () => {
    const pair = await open();
    for (const body of ["b1", "b2", "b3"]) await pair.bulk.send(body);
    for (const body of ["i1", "i2"]) await pair.interactive.send(body);
    const worker = work(pair, () => 20);
    await expect.poll(() => worker.begun.length, { timeout: 15_000 }).toBe(5);
    await worker.end();
    expect(worker.begun.slice(0, 2).map(({ body }) => body)).toEqual(["i1", "i2"]);
  });

  it("returns an interactive message to other workers while it handles a bulk one", async () => {
    const pair = await open();
    const busy = work(pair, (body) => (body.startsWith("b") ? 4000 : 0));
    await clock.sleep(500);
    await pair.bulk.send("b1");
    await expect.poll(() => busy.begun.length, { interval: 5 }).toBe(1);
    const free = work(pair, () => 0);
    await clock.sleep(500);
    const sent = Date.now();
    await pair.interactive.send("i1");
    await expect.poll(() => free.begun.length, { interval: 5, timeout: 3000 }).toBe(1);
    expect(free.begun[0]!.at - sent).toBeLessThan(1500);
    await Promise.all([busy.end(), free.end()]);
    expect(busy.begun.map(({ body }) => body)).toEqual(["b1"]);
    expect(await pair.interactive.depth()).toEqual(emptied);
  });

  it("handles each message once, and dead-letters none, with four workers and two full queues", async () => {
    const pair = await open();
    const workers = Array.from({ length: 4 }, () => work(pair, (body) => (body.startsWith("b") ? 15 : 5)));
    const bodies: string[] = [];
    for (let index = 0; index < 120; index++) {
      const body = `${index % 3 ? "b" : "i"}${index}`;
      bodies.push(body);
      await (index % 3 ? pair.bulk : pair.interactive).send(body);
    }
    const begun = () => workers.flatMap((worker) => worker.begun.map(({ body }) => body));
    await expect.poll(() => new Set(begun()).size, { timeout: 30_000 }).toBe(bodies.length);
    await Promise.all(workers.map((worker) => worker.end()));
    expect(begun().toSorted()).toEqual(bodies.toSorted());
    expect([await pair.bulk.depth(), await pair.interactive.depth(), await pair.dead.depth()]).toEqual([
      ...[emptied, emptied, emptied],
    ]);
    expect(errors).toEqual([]);
  });

  it("stops at once during long polls", async () => {
    const pair = await open();
    const worker = work(pair, () => 0);
    await clock.sleep(300);
    const asked = Date.now();
    await worker.end();
    expect(Date.now() - asked).toBeLessThan(2000);
  });
});
