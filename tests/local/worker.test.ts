import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkerState } from "../../gpu-worker/queue/health-server.ts";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "./running-service.ts";

let running: RunningService;
let port: number;
/** The states that the worker's health check reported, in order and without repetition. */
const said: { readonly status: number; readonly state: WorkerState }[] = [];
let watching = true;
let watch: Promise<void>;

beforeAll(async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  port = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
  watch = (async () => {
    while (watching) {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (answer) {
        const { status: state } = (await answer.json()) as { status: WorkerState };
        if (said.at(-1)?.state !== state) said.push({ status: answer.status, state });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  running = await RunningService.start({
    environment: { VISII_HEALTH_PORT: String(port), VISII_HANG_TIMEOUT: "6" },
  });
}, 90_000);
afterAll(async () => {
  watching = false;
  await watch;
  await running?.stop();
});

describe("a worker", () => {
  it("reports that it is starting, ready, busy and ready again", async () => {
    const images = [await running.upload(await picture())];
    const edit = { text: "sepia", images, steps: 40 };
    const { body } = await running.call("POST", "/v1/edits", edit);
    await running.end(`/v1/edits/${body.id}`);
    await expect
      .poll(() => said, { timeout: 10_000 })
      .toEqual([
        { status: 503, state: "STARTING" },
        { status: 200, state: "READY" },
        { status: 200, state: "BUSY" },
        { status: 200, state: "READY" },
      ]);
  });

  it("replaces a compute process that hangs, and resumes its learning from the last state", async () => {
    const before = await running.upload(await picture());
    const after = await running.upload(await picture("png", { red: 30 }));
    const [worker] = running.service.workers;
    const { body } = await running.call("POST", "/v1/instructions", {
      pairs: [{ before, after }],
      steps: 200,
    });
    const path = `/v1/instructions/${body.id}`;
    await running.watch(path, ({ progress }) => progress?.stage === "learn" && progress.step > 20);
    // Not earlier: on a machine that is too busy, the process may have been replaced before.
    const [, wedged] = worker!.computePids;
    process.kill(wedged!, "SIGSTOP");
    // The other lane is not affected.
    const images = [before];
    const edit = await running.call("POST", "/v1/edits", { text: "sepia", images, steps: 1 });
    expect((await running.end(`/v1/edits/${edit.body.id}`)).status).toBe("succeeded");
    const done = await running.end(path, 90);
    expect(done).toMatchObject({ status: "succeeded", usage: { steps: 200, credits: 200 * 50 } });
    expect(worker!.computePids[1]).not.toBe(wedged);
    expect(() => process.kill(wedged!, 0)).toThrow(/ESRCH/);
  }, 150_000);
});

describe("a worker that cannot open its model", () => {
  it("exits and reports why", async () => {
    await expect(RunningService.start({ model: "/nowhere" })).rejects.toThrow(
      /^The worker ended with code 1: .*\/nowhere does not exist[^\n]*$/,
    );
  });
});
