import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ComputeProcess } from "../../../gpu-worker/compute/compute-process.ts";
import type { LearnTask, TaskEvent } from "../../../gpu-worker/compute/protocol.ts";
import { picture } from "../../functions/test-images.ts";
import { tinyModel } from "../../local/running-service.ts";

const never = new AbortController().signal;
const secret = "a credential of the worker";
let compute: ComputeProcess;
let task: LearnTask;

beforeAll(async () => {
  compute = new ComputeProcess({
    model: tinyModel,
    device: "cpu",
    threads: 1,
    environment: {
      ...process.env,
      AWS_SECRET_ACCESS_KEY: secret,
      VISII_QUEUE_URLS: secret,
      ECS_AGENT_URI: secret,
    },
    cancelGraceMs: 5000,
    hangTimeoutMs: 60_000,
  });
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

describe("the compute process", () => {
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
    // Counts of evaluations differ, because lost work was computed again. The learned bits must be equal.
    expect(learnedPart(resumed)).toEqual(learnedPart(whole));
  });

  it("reports the engine's error with its code", async () => {
    const bad: LearnTask = {
      ...task,
      pairs: [{ before: Buffer.from("not a picture at all"), after: await picture() }],
    };
    await expect(compute.run(bad, never, async () => undefined)).rejects.toMatchObject({
      name: "VisibleError",
      code: "unsupported_image",
    });
  });

  it.runIf(process.platform === "linux")("has none of the worker's secrets", async () => {
    await compute.ready();
    const environment = await readFile(`/proc/${compute.pid}/environ`, "utf8");
    const names = environment.split("\0").map((line) => line.split("=")[0]!);
    expect(names).toContain("PATH");
    expect(names.filter((name) => /^(AWS|ECS|VISII|SST)_/.test(name))).toEqual([]);
    expect(environment).not.toContain(secret);
  });

  it("reports a model that cannot be opened", async () => {
    const nowhere = new ComputeProcess({
      model: "/nowhere",
      device: "cpu",
      cancelGraceMs: 100,
      hangTimeoutMs: 60_000,
    });
    await expect(nowhere.ready()).rejects.toThrow(/compute process cannot start.*nowhere/s);
  });

  it("is killed and replaced if it hangs in a task", async () => {
    const dog = new ComputeProcess({
      model: tinyModel,
      device: "cpu",
      threads: 1,
      cancelGraceMs: 5000,
      hangTimeoutMs: 4000,
    });
    try {
      await dog.ready();
      const wedged = dog.pid!;
      const run = (steps: number, onStep: () => void) =>
        dog.run({ ...task, steps }, never, async ({ type }) => {
          if (type === "progress") onStep();
        });
      const stuck = run(500, () => process.kill(wedged, "SIGSTOP"));
      await expect(stuck).rejects.toMatchObject({
        name: "RetryableError",
        message: expect.stringMatching(/did not respond for 4 s and was killed/),
      });
      expect(() => process.kill(wedged, 0)).toThrow(/ESRCH/);
      expect((await run(2, () => undefined)).steps).toBe(2);
      expect(dog.pid).not.toBe(wedged);
    } finally {
      await dog.stop();
    }
  }, 90_000);

  it("is not killed if it is slow but reports progress", async () => {
    const dog = new ComputeProcess({
      model: tinyModel,
      device: "cpu",
      threads: 1,
      cancelGraceMs: 5000,
      hangTimeoutMs: 6000,
    });
    try {
      await dog.ready();
      const started = Date.now();
      let naps = 0;
      const done = await dog.run({ ...task, steps: 40 }, never, async (event) => {
        if (event.type !== "progress" || event.step % 10 || naps === 4) return;
        naps++;
        process.kill(dog.pid!, "SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, 2000));
        process.kill(dog.pid!, "SIGCONT");
      });
      expect(done.steps).toBe(40);
      expect(Date.now() - started).toBeGreaterThan(6000);
    } finally {
      await dog.stop();
    }
  }, 90_000);

  it("leaves no scratch folder when it is killed", async () => {
    const usual = process.env.TMPDIR;
    const folder = await mkdtemp(join(tmpdir(), "visii-scratch-"));
    process.env.TMPDIR = folder;
    // tsx keeps its cache there too.
    const scratches = async () => (await readdir(folder)).filter((name) => name.startsWith("visii-compute-"));
    const own = new ComputeProcess({
      model: tinyModel,
      device: "cpu",
      threads: 1,
      cancelGraceMs: 5000,
      hangTimeoutMs: 60_000,
    });
    try {
      await own.ready();
      const [scratch] = await scratches();
      await own.run({ ...task, steps: 1 }, never, async () => undefined);
      // onnxruntime keeps a log there; the worker's own files are removed.
      expect(await readdir(join(folder, scratch!))).not.toContainEqual(expect.stringMatching(/^visii-/));
      process.kill(own.pid!, "SIGKILL");
      await expect.poll(scratches).toEqual([]);
    } finally {
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
      await own.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("fails the task if the result cannot be stored", async () => {
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
