import { expect, it } from "vitest";
import { createLimit } from "../../studio/state/create-limit.ts";

it("runs at most the allowed number of tasks, in order, even after one has failed", async () => {
  const limit = createLimit(2);
  const started: number[] = [];
  const finish: (() => void)[] = [];
  let open = 0;
  let most = 0;
  const tasks = [0, 1, 2, 3, 4].map((number) =>
    limit(async () => {
      started.push(number);
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => finish.push(resolve));
      open--;
      if (number === 1) throw new Error("failed");
      return number;
    }),
  );
  const ends = Promise.allSettled(tasks);
  while (started.length < 5 || open > 0) {
    finish.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await ends).map((end) => (end.status === "fulfilled" ? end.value : "failed"))).toEqual([
    ...[0, "failed", 2, 3, 4],
  ]);
  expect(started).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});
