import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consume } from "../../../gpu-worker/queue/consume.ts";
import type { JobQueue } from "../../../shared/ports/job-queue.ts";
import { queueTiming } from "../../../shared/queue-timing.ts";
import { systemClock as clock } from "../../../shared/system-clock.ts";
import { createQueuePair } from "../../contracts/create-queue-pair.ts";
import { type LocalWorld, openLocalWorld } from "../../local-world.ts";

const timing = { ...queueTiming, visibility: 2, heartbeat: 0.5, poll: 1 };
const log = { info: () => undefined, error: () => undefined };
const emptied = { visible: 0, inFlight: 0, delayed: 0 };

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world?.stop());

/** Runs a consumer over the queue. Returns the bodies that were handled at the same time. */
async function consumed(
  queue: JobQueue,
  together: number,
  count: number,
  handling = 300,
  stopAfter = count,
): Promise<string[][]> {
  const stop = new AbortController();
  const inHand = new Set<string>();
  const groups: string[][] = [];
  let handled = 0;
  const running = consume({
    queues: [queue],
    timing,
    clock,
    log,
    together,
    signal: stop.signal,
    batchKey: async ({ body }) => (body.startsWith("alone") ? undefined : body.slice(0, 1)),
    async handle({ body }) {
      if (inHand.size === 0) groups.push([]);
      inHand.add(body);
      groups.at(-1)!.push(body);
      await clock.sleep(handling);
      inHand.delete(body);
      if (++handled === stopAfter) stop.abort();
      return "done";
    },
  });
  await running;
  return groups.map((group) => group.toSorted());
}

async function filled(bodies: readonly string[]): Promise<JobQueue> {
  const { queue } = await createQueuePair(world.clients.sqs, 100);
  for (const body of bodies) await queue.send(body);
  return queue;
}

describe("waiting messages of one kind in a row", () => {
  it("are handled together, up to the limit, and those of other kinds apart, each once", async () => {
    const bodies = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "alone1", "alone2", "a5"];
    const queue = await filled(bodies);
    const groups = await consumed(queue, 3, bodies.length);
    expect(groups.slice(0, 2)).toEqual([["a1", "a2", "a3"], ["a4"]]);
    expect(groups.flat().toSorted()).toEqual(bodies.toSorted());
    // b1 was received after a4 and passed on.
    expect(groups.slice(2)).toContainEqual(["b2", "b3"]);
    expect(groups).toContainEqual(["alone1"]);
    expect(groups).toContainEqual(["alone2"]);
    expect(await queue.depth()).toEqual(emptied);
  });

  it("leave a message of another kind to other workers", async () => {
    const queue = await filled(["a1", "b1"]);
    const handled: string[] = [];
    const stop = new AbortController();
    const worker = (milliseconds: number) =>
      consume({
        queues: [queue],
        timing,
        clock,
        log,
        together: 3,
        signal: stop.signal,
        batchKey: async ({ body }) => body.slice(0, 1),
        async handle({ body }) {
          await clock.sleep(milliseconds, stop.signal);
          handled.push(body);
          return "done";
        },
      });
    const busy = worker(60_000);
    await expect.poll(async () => (await queue.depth()).inFlight, { timeout: 15_000 }).toBe(1);
    const free = worker(0);
    await expect.poll(() => handled, { timeout: 15_000 }).toEqual(["b1"]);
    stop.abort();
    await Promise.all([busy, free]);
  });

  it("are handled one by one if together is 1", async () => {
    const queue = await filled(["a1", "a2"]);
    expect(await consumed(queue, 1, 2)).toEqual([["a1"], ["a2"]]);
  });

  it("stay leased while the batch before them takes longer than the visibility timeout", async () => {
    const queue = await filled(["a1", "b1"]);
    expect(await consumed(queue, 4, 2, 3000)).toEqual([["a1"], ["b1"]]);
    expect(await queue.depth()).toEqual(emptied);
  });

  it("are returned at once if the worker stops before their turn", async () => {
    const queue = await filled(["a1", "b1"]);
    expect(await consumed(queue, 4, 2, 100, 1)).toEqual([["a1"]]);
    const [message] = await queue.receive({ maximum: 1, waitSeconds: 0, visibilitySeconds: 5 });
    expect(message?.body).toBe("b1");
  });
});
