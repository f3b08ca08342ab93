import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ComputeProcess } from "../../../gpu-worker/compute/compute-process.ts";
import { chunksOfOneSize } from "../../../gpu-worker/compute/edit-task.ts";
import type { EditPart, EditTask, Task, TaskDone, TaskEvent } from "../../../gpu-worker/compute/protocol.ts";
import { SharedCompute } from "../../../gpu-worker/compute/shared-compute.ts";
import { picture } from "../../functions/test-images.ts";
import { tinyModel } from "../../local/running-service.ts";

/** The real process, with a record of its tasks. */
class NotingProcess extends ComputeProcess {
  readonly tasks: Task[] = [];

  override run(...words: Parameters<ComputeProcess["run"]>): Promise<TaskDone> {
    this.tasks.push(words[0]);
    return super.run(...words);
  }
}

const never = new AbortController().signal;
let compute: NotingProcess;
let shared: SharedCompute;
beforeAll(() => {
  compute = new NotingProcess({
    model: tinyModel,
    device: "cpu",
    threads: 1,
    cancelGraceMs: 5000,
    hangTimeoutMs: 60_000,
  });
  shared = new SharedCompute(compute);
});
afterAll(() => compute?.stop());

const partOf = async (red: number, change: Partial<EditPart> = {}): Promise<EditPart> => ({
  images: [{ index: 0, file: await picture("png", { red }) }],
  seed: red,
  count: 1,
  format: "png",
  ...change,
});
const taskOf = (part: EditPart, steps = 2): EditTask => ({
  kind: "edit",
  batch: 4,
  parts: [part],
  prompt: { text: "sepia", steps },
});

interface Ending {
  readonly done?: TaskDone;
  readonly error?: { readonly name?: string; readonly code?: string; readonly message?: string };
  readonly results: Extract<TaskEvent, { type: "result" }>[];
}

/** Runs each task in its own slot, as jobs that were received together do. */
function together(
  tasks: readonly EditTask[],
  signals: readonly AbortSignal[] = [],
  onEvent: (place: number, event: TaskEvent) => void = () => undefined,
): Promise<Ending[]> {
  const slots = tasks.map(() => shared.openSlot());
  compute.tasks.length = 0;
  return Promise.all(
    tasks.map(async (task, place): Promise<Ending> => {
      const results: Extract<TaskEvent, { type: "result" }>[] = [];
      try {
        const done = await slots[place]!.run(task, signals[place] ?? never, async (event) => {
          onEvent(place, event);
          if (event.type === "result") results.push(event);
        });
        return { done, results };
      } catch (error) {
        return { error: error as NonNullable<Ending["error"]>, results };
      } finally {
        slots[place]!.leave();
      }
    }),
  );
}

describe("jobs of one batch", () => {
  it("run as one task if their prompt is the same, with the results of single runs", async () => {
    const parts = [await partOf(10), await partOf(90, { count: 2 }), await partOf(200, { noise: "fresh" })];
    const batched = await together(parts.map((part) => taskOf(part)));
    expect(compute.tasks).toHaveLength(1);
    expect(batched.map(({ done }) => done?.steps)).toEqual([2, 4, 2]);
    for (const [index, part] of parts.entries()) {
      const [alone] = await together([taskOf(part)]);
      expect(batched[index]!.results.map(({ variation }) => variation)).toEqual(
        alone!.results.map(({ variation }) => variation),
      );
      for (const [place, { bytes }] of alone!.results.entries())
        expect(await largestDifference(bytes, batched[index]!.results[place]!.bytes)).toBeLessThanOrEqual(1); // of 255: one rounding
    }
    const shares = batched.map(({ done }) => done!.seconds!);
    expect(shares[1]! / shares[0]!).toBeGreaterThan(1.5);
  });

  it("run one after another if their prompts differ", async () => {
    const [a, b] = [taskOf(await partOf(10), 1), taskOf(await partOf(20), 2)];
    const endings = await together([a, b]);
    expect(endings.map(({ done }) => done?.steps)).toEqual([1, 2]);
    expect(compute.tasks).toHaveLength(2);
  });

  it("fail, are canceled and lose their storage independently", async () => {
    const whole = await picture("jpeg", { width: 64, height: 64 });
    const torn = whole.subarray(0, whole.length - 200);
    const cancel = new AbortController();
    const reason = new Error("canceled");
    const tasks = [
      taskOf(await partOf(10), 30),
      taskOf(await partOf(0, { images: [{ index: 0, file: torn }] }), 30),
      taskOf(await partOf(50), 30),
      taskOf(await partOf(70), 30),
    ];
    const endings = await together(tasks, [never, never, cancel.signal, never], (place, event) => {
      if (place === 2 && event.type === "progress") cancel.abort(reason);
      if (place === 3 && event.type === "result") throw new Error("the store is gone");
    });
    expect(compute.tasks).toHaveLength(1);
    expect(endings[0]).toMatchObject({ done: { steps: 30 }, results: [{ width: 32, height: 32 }] });
    expect(endings[1]).toMatchObject({ error: { code: "damaged_image" }, results: [] });
    expect(endings[2]).toMatchObject({ error: reason, results: [] });
    expect(endings[3]).toMatchObject({ error: { message: "the store is gone" } });
  });

  it("are all returned if the process is killed; if all are canceled, the process stops early", async () => {
    const tasks = [taskOf(await partOf(1), 100), taskOf(await partOf(2), 100)];
    const killed = await together(tasks, [], (_, event) => {
      if (event.type === "progress" && compute.pid !== undefined) process.kill(compute.pid, "SIGKILL");
    });
    expect(killed.map(({ error }) => error?.name)).toEqual(["RetryableError", "RetryableError"]);

    const cancel = new AbortController();
    let steps = 0;
    const canceled = await together(tasks, [cancel.signal, cancel.signal], () => {
      steps++;
      cancel.abort(new Error("enough"));
    });
    expect(canceled.map(({ error }) => error?.message)).toEqual(["enough", "enough"]);
    expect(steps).toBeLessThan(20);
    const [next] = await together([taskOf(await partOf(3))]);
    expect(next?.results).toHaveLength(1);
  });

  it("start without members that have no task", async () => {
    const [submits, leaves] = [shared.openSlot(), shared.openSlot()];
    const running = submits.run(taskOf(await partOf(5)), never, async () => undefined);
    leaves.leave();
    expect((await running).steps).toBe(2);
  });
});

describe("a batch", () => {
  it("has images of one size, and one of few batch sizes", () => {
    const images = ["a", "b", "a", "a", "a", "a", "a", "a", "b"].map((kind) => ({
      image: kind === "a" ? { width: 32, height: 32 } : { width: 64, height: 32 },
    }));
    expect(chunksOfOneSize(images, 4).map((chunk) => [chunk[0]!.image.width, chunk.length])).toEqual([
      [32, 1],
      [32, 2],
      [32, 4],
      [64, 2],
    ]);
  });
});

async function largestDifference(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [left, right] = await Promise.all([a, b].map((bytes) => sharp(bytes).raw().toBuffer()));
  return left!.reduce((most, value, i) => Math.max(most, Math.abs(value - right![i]!)), 0);
}
