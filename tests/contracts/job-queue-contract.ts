import { expect, it } from "vitest";
import type { JobQueue, ReceivedMessage } from "../../shared/ports/job-queue.ts";

/** What every queue does. `open` gives an empty queue each time. */
export function jobQueueContract(open: () => JobQueue): void {
  const take = (queue: JobQueue, visibilitySeconds = 30, waitSeconds = 0) =>
    queue.receive({ maximum: 10, waitSeconds, visibilitySeconds });

  it("delivers a message once while it is worked on, and never after it was deleted", async () => {
    const queue = open();
    await queue.send("hello");
    const [message] = await take(queue);
    expect(message).toMatchObject({ body: "hello", receiveCount: 1 });
    expect(await take(queue)).toEqual([]);
    await queue.delete(message!.receipt);
    expect(await queue.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  it("delivers again what was given back, and counts", async () => {
    const queue = open();
    await queue.send("again");
    const [first] = await take(queue);
    await queue.extend(first!.receipt, 0);
    const [second] = await take(queue);
    expect(second).toMatchObject({ body: "again", receiveCount: 2 });
    expect(second?.receipt).not.toBe(first?.receipt);
  });

  it("delivers again what nobody deleted in time", async () => {
    const queue = open();
    await queue.send("lost");
    await take(queue, 1);
    expect(await take(queue)).toEqual([]);
    const again = await take(queue, 30, 3);
    expect(again.map(({ receiveCount }) => receiveCount)).toEqual([2]);
  });

  it("keeps hidden what is extended", async () => {
    const queue = open();
    await queue.send("held");
    const [message] = await take(queue, 1);
    await queue.extend(message!.receipt, 30);
    expect(await take(queue, 30, 2)).toEqual([]);
  });

  it("waits for a message that comes later", async () => {
    const queue = open();
    const waiting = take(queue, 30, 5);
    await queue.send("late");
    expect((await waiting).map(({ body }) => body)).toEqual(["late"]);
  });

  it("stops waiting when told", async () => {
    const queue = open();
    const stop = new AbortController();
    const waiting = queue.receive({ maximum: 1, waitSeconds: 20, visibilitySeconds: 5, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    expect(await waiting).toEqual([] satisfies ReceivedMessage[]);
  });

  it("holds back a delayed message", async () => {
    const queue = open();
    await queue.send("delayed", 1);
    expect(await take(queue)).toEqual([]);
    expect((await take(queue, 30, 3)).map(({ body }) => body)).toEqual(["delayed"]);
  });
}
