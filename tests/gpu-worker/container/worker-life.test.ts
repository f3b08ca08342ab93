import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assembleWorker } from "../../../gpu-worker/container/assemble.ts";
import type { WorkerState } from "../../../gpu-worker/queue/health-server.ts";
import { picture } from "../../functions/test-images.ts";
import { quickTiming, RunningService, tinyModel } from "../../local/running-service.ts";
import { Container, freePort, root, startAgent, taskEnvironment } from "./container.ts";

let scratch: string;
let worker: string;
let running: RunningService;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-life-"));
  worker = join(scratch, "worker");
  await assembleWorker(root, worker);
  running = await RunningService.start({ workers: 0 });
}, 120_000);
afterAll(async () => {
  await running.stop();
  await rm(scratch, { recursive: true });
});

const start = (more: Readonly<Record<string, string>> = {}) =>
  new Container(worker, ["node", "main.mjs"], {
    ...taskEnvironment(running.service.standIns),
    VISII_MODEL: tinyModel,
    VISII_SAVE_EVERY: "0.2",
    VISII_TIMING: JSON.stringify(quickTiming),
    ...more,
  });

/** Polls its health until it ends. Returns each state with its status once, in order. */
async function watchHealth(port: number, container: Container) {
  const said: [number, WorkerState][] = [];
  let over = false;
  void container.ended.then(() => {
    over = true;
  });
  while (!over) {
    const answer = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
    const body = (await answer?.json().catch(() => undefined)) as { status: WorkerState } | undefined;
    if (answer && body && said.at(-1)?.[1] !== body.status) said.push([answer.status, body.status]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return said;
}

async function learn(steps: number): Promise<string> {
  const before = await running.upload(await picture());
  const after = await running.upload(await picture("png", { red: 30 }));
  const { body } = await running.call("POST", "/v1/instructions", { pairs: [{ before, after }], steps });
  return `/v1/instructions/${body.id}`;
}

describe("the worker's container", () => {
  it("that is stopped while it learns returns the job, and another resumes from its last state", async () => {
    const agent = await startAgent();
    const first = start({ ECS_AGENT_URI: agent.uri });
    const path = await learn(400);
    await running.watch(path, ({ progress }) => progress?.stage === "learn" && progress.step > 30, 60);
    // Prevents ECS from stopping this task until its work is done.
    expect(agent.told).toEqual([
      { to: "PUT /api/0123/task-protection/v1/state", ProtectionEnabled: true, ExpiresInMinutes: 60 },
    ]);
    const { code, seconds } = await first.stop();
    expect(code, first.log).toBe(0);
    // The task allows 120 seconds.
    expect(seconds).toBeLessThan(60);
    agent.stop();
    const { body: waiting } = await running.call("GET", path);
    expect(waiting.status).toBe("queued");
    const second = start();
    try {
      const on = await running.watch(
        path,
        ({ status, progress }) => status === "running" && progress?.stage === "learn",
        60,
      );
      expect(on.progress.step).toBeGreaterThanOrEqual(waiting.progress.step);
      expect(await running.end(path, 90)).toMatchObject({ status: "succeeded", usage: { steps: 400 } });
    } finally {
      expect((await second.stop()).code).toBe(0);
    }
  }, 180_000);

  it("does not become ready with an unavailable device, and reports it", async () => {
    const port = await freePort();
    const container = start({ VISII_DEVICE: "cuda", VISII_HEALTH_PORT: String(port) });
    const said = await watchHealth(port, container);
    expect(await container.ended).toBe(1);
    for (const [status] of said) expect(status).toBe(503);
    expect(said.map(([, state]) => state)).not.toContain("READY");
    expect(container.log).toMatch(/the worker cannot start.*Device cuda is not available/s);
  }, 60_000);

  it("that can no longer compute exits, and another does its job", async () => {
    const model = join(scratch, "model");
    await cp(tinyModel, model, { recursive: true });
    const port = await freePort();
    const broken = start({ VISII_MODEL: model, VISII_HEALTH_PORT: String(port) });
    const health = watchHealth(port, broken);
    await expect.poll(() => broken.log, { timeout: 30_000 }).toContain("the worker is ready");
    // As after the failure of a disk or GPU: the compute process crashes and cannot be started again.
    await rm(join(model, "model_index.json"));
    const children = await readFile(`/proc/${broken.pid}/task/${broken.pid}/children`, "utf8");
    for (const pid of children.trim().split(" ")) process.kill(Number(pid), "SIGKILL");
    const images = [await running.upload(await picture())];
    const { body } = await running.call("POST", "/v1/edits", { text: "sepia", images, steps: 1 });
    expect(await broken.ended, broken.log).toBe(3);
    expect(broken.log).toContain("the worker cannot compute");
    expect((await health).at(0)).toEqual([503, "STARTING"]);
    const sound = start();
    try {
      expect(await running.end(`/v1/edits/${body.id}`, 60)).toMatchObject({ status: "succeeded" });
    } finally {
      expect((await sound.stop()).code).toBe(0);
    }
  }, 120_000);
});
