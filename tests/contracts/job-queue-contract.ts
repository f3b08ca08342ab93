import { expect, it } from "vitest";
import type { JobQueue, ReceivedMessage } from "../../shared/ports/job-queue.ts";

/** An empty queue, and its dead-letter queue, which receives messages after `maxReceives` deliveries. */
type OpenQueue = (maxReceives: number) => Promise<{ readonly queue: JobQueue; readonly dead: JobQueue }>;

/** The contract of every queue. */
export function jobQueueContract(openPair: OpenQueue): void {
  const open = async () => (await openPair(100)).queue;
  const take = (queue: JobQueue, visibilitySeconds = 30, waitSeconds = 0) =>
    queue.receive({ maximum: 10, waitSeconds, visibilitySeconds });

  it("delivers a message once while it is worked on, and never after it was deleted", async () => {
    const queue = await open();
    await queue.send("hello");
    const [message] = await take(queue);
    expect(message).toMatchObject({ body: "hello", receiveCount: 1 });
    expect(await take(queue)).toEqual([]);
    await queue.delete(message!.receipt);
    expect(await queue.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  it("delivers again what was given back, and counts", async () => {
    const queue = await open();
    await queue.send("again");
    const [first] = await take(queue);
    await queue.extend(first!.receipt, 0);
    const [second] = await take(queue);
    expect(second).toMatchObject({ body: "again", receiveCount: 2 });
    expect(second?.receipt).not.toBe(first?.receipt);
  });

  it("delivers again what nobody deleted in time", async () => {
    const queue = await open();
    await queue.send("lost");
    await take(queue, 1);
    expect(await take(queue)).toEqual([]);
    const again = await take(queue, 30, 3);
    expect(again.map(({ receiveCount }) => receiveCount)).toEqual([2]);
  });

  it("keeps hidden what is extended, counted from the extension", async () => {
    const queue = await open();
    await queue.send("held");
    const [message] = await take(queue, 1);
    await queue.extend(message!.receipt, 3);
    expect(await take(queue, 30, 2)).toEqual([]);
    expect((await take(queue, 30, 3)).map(({ body }) => body)).toEqual(["held"]);
  });

  it("will not extend what was deleted, nor what it never gave out", async () => {
    const queue = await open();
    await queue.send("done");
    const [message] = await take(queue);
    await queue.delete(message!.receipt);
    await expect(queue.extend(message!.receipt, 30)).rejects.toThrow();
    await expect(queue.extend("no receipt at all", 30)).rejects.toThrow();
  });

  it("puts a message aside after as many deliveries as its policy allows, body and all", async () => {
    const { queue, dead } = await openPair(2);
    await queue.send("poison");
    for (const receiveCount of [1, 2]) {
      const [message] = await take(queue);
      expect(message).toMatchObject({ receiveCount });
      await queue.extend(message!.receipt, 0);
    }
    expect(await take(queue)).toEqual([]);
    expect((await take(dead, 30, 3)).map(({ body }) => body)).toEqual(["poison"]);
    expect(await queue.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  it("gives several waiting messages at once, each to one receiver", async () => {
    const queue = await open();
    const bodies = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    for (const body of bodies) await queue.send(body);
    const taken: string[] = [];
    for (let round = 0; round < 12 && taken.length < bodies.length; round++) {
      const batches = await Promise.all([take(queue), take(queue)]);
      taken.push(...batches.flat().map(({ body }) => body));
    }
    expect(taken.toSorted()).toEqual(bodies.toSorted());
  });

  it("waits for a message that comes later", async () => {
    const queue = await open();
    const waiting = take(queue, 30, 5);
    await queue.send("late");
    expect((await waiting).map(({ body }) => body)).toEqual(["late"]);
  });

  it("stops waiting when told", async () => {
    const queue = await open();
    const stop = new AbortController();
    const waiting = queue.receive({ maximum: 1, waitSeconds: 20, visibilitySeconds: 5, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    expect(await waiting).toEqual([] satisfies ReceivedMessage[]);
  });

  it("holds back a delayed message", async () => {
    const queue = await open();
    await queue.send("delayed", 1);
    expect(await take(queue)).toEqual([]);
    expect((await take(queue, 30, 3)).map(({ body }) => body)).toEqual(["delayed"]);
  });
}
