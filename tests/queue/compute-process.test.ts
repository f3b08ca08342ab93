import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ComputeProcess } from "../../gpu-worker/compute/compute-process.ts";
import type { LearnTask, TaskEvent } from "../../gpu-worker/compute/protocol.ts";
import { picture } from "../functions/pictures.ts";
import { tinyModel } from "../local/running-service.ts";

const never = new AbortController().signal;
let compute: ComputeProcess;
let task: LearnTask;

beforeAll(async () => {
  compute = new ComputeProcess({ model: tinyModel, device: "cpu", threads: 1, patience: 5000 });
  const pairs = [{ before: await picture("png"), after: await picture("png", { red: 20 }) }];
  task = { kind: "learn", pairs, seed: 7, steps: 40, saveEvery: 0, previews: 0 };
});
afterAll(() => compute?.stop());

/** Runs the learning and returns its file; `onStep` sees each step. */
async function learn(
  resume?: Uint8Array,
  onStep: (step: number) => void = () => undefined,
  signal = never,
  states: Uint8Array[] = [],
): Promise<Buffer> {
  const done = await compute.run({ ...task, ...(resume ? { resume } : {}) }, signal, async (event) => {
    if (event.type === "state") states.push(event.bytes);
    if (event.type === "progress" && event.stage === "learn") onStep(event.step);
  });
  return Buffer.from(done.instruction!.file);
}

describe("the process that computes", () => {
  it("ends bit-identical after being canceled, killed -9 and resumed from its last saved states", async () => {
    const whole = await learn();

    const states: Uint8Array[] = [];
    const cancel = new AbortController();
    const reason = new Error("enough");
    const canceled = learn(undefined, (step) => step === 12 && cancel.abort(reason), cancel.signal, states);
    await expect(canceled).rejects.toBe(reason);
    const pid = compute.pid;
    expect(states.length).toBeGreaterThan(10);

    const kill = () => void process.kill(pid!, "SIGKILL");
    const killed = learn(states.at(-1), (step) => step === 25 && kill(), never, states);
    await expect(killed).rejects.toMatchObject({
      name: "RetryableError",
      message: expect.stringContaining("SIGKILL"),
    });

    const first: number[] = [];
    const resumed = await learn(states.at(-1), (step) => first.push(step));
    expect(compute.pid).not.toBe(pid);
    expect(first[0]).toBeGreaterThanOrEqual(20);
    // Counts of evaluations differ: what was lost with the process was computed again. Learned bits may not.
    expect(learnedPart(resumed)).toEqual(learnedPart(whole));
  });

  it("passes the engine's own refusal on, with its code", async () => {
    const bad: LearnTask = {
      ...task,
      pairs: [{ before: Buffer.from("not a picture at all"), after: await picture() }],
    };
    await expect(compute.run(bad, never, async () => undefined)).rejects.toMatchObject({
      name: "VisibleError",
      code: "unsupported_image",
    });
  });

  it("says when its model cannot be opened", async () => {
    const nowhere = new ComputeProcess({ model: "/nowhere", device: "cpu", patience: 100 });
    await expect(nowhere.ready()).rejects.toThrow(/model cannot be opened.*nowhere/s);
  });

  it("fails the task when what came out cannot be stored", async () => {
    const lost = new Error("the store is gone");
    const failing = async (event: TaskEvent) => {
      if (event.type === "state") throw lost;
    };
    await expect(compute.run({ ...task, steps: 2 }, never, failing)).rejects.toBe(lost);
  });
});

/** Tokens and losses of a `.visii` file. */
function learnedPart(file: Buffer): { tokens: string; losses: unknown } {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString("utf8"));
  return {
    tokens: file.subarray(8 + length).toString("base64"),
    losses: JSON.parse(header.__metadata__.visii).losses,
  };
}
