import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../gpu-worker/random/seeded-random.ts";
import { startStandIns } from "../../local/stand-ins.ts";
import type { Answer } from "../functions/api.ts";
import { picture } from "../functions/pictures.ts";
import { type FlakyProxy, startFlakyProxy } from "./flaky-proxy.ts";
import { RunningService } from "./running-service.ts";

const jobs = 10;
let running: RunningService;
let proxies: FlakyProxy[] = [];

beforeAll(async () => {
  const standIns = await startStandIns();
  const draw = new SeededRandom(5, "weather");
  const table = await startFlakyProxy(standIns.aws.tableEndpoint!, draw, 0.08);
  const store = await startFlakyProxy(standIns.aws.storeEndpoint!, draw, 0.08);
  proxies = [table, store];
  const aws = { ...standIns.aws, tableEndpoint: table.url, storeEndpoint: store.url };
  running = await RunningService.start({ standIns: { ...standIns, aws }, logLevel: "error" });
}, 120_000);
afterAll(async () => {
  await running?.stop();
  for (const proxy of proxies) proxy.stop();
});

/** What a careful client does: the same request again, with the same Idempotency-Key, while it is told to come back. */
async function stubborn(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await running.call(
      method,
      path,
      body,
      key === undefined ? {} : { "Idempotency-Key": key },
    );
    if (![409, 500, 503].includes(answer.status) || attempt > 100) return answer;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function upload(): Promise<string> {
  const bytes = await picture();
  for (;;) {
    const { body: form } = await stubborn("POST", "/v1/uploads", {
      content_type: "image/png",
      bytes: bytes.length,
    });
    const data = new FormData();
    for (const [name, value] of Object.entries<string>(form.fields)) data.append(name, value);
    data.append("file", new Blob([Uint8Array.from(bytes)]));
    const sent = await fetch(form.url, { method: "POST", body: data }).catch(() => undefined);
    if (!sent?.ok) continue;
    if ((await stubborn("POST", `/v1/uploads/${form.id}/complete`)).status === 200) return form.id;
  }
}

describe("in hard weather: a table and a store that throttle, dawdle, and lose answers", () => {
  it(`ends each of ${jobs} jobs, charges each once, and leaves nothing open`, async () => {
    const [before, after] = [await upload(), await upload()];
    const paths: string[] = [];
    for (let index = 0; index < jobs; index++) {
      const learning = index % 3 === 0;
      const body = learning
        ? { pairs: [{ before, after }], steps: 4, seed: index }
        : { text: "sepia", images: [before], steps: 2 };
      const collection = learning ? "instructions" : "edits";
      const { status, body: job } = await stubborn("POST", `/v1/${collection}`, body, `weather-${index}`);
      expect(status).toBe(202);
      paths.push(`/v1/${collection}/${job.id}`);
    }
    expect(new Set(paths).size).toBe(jobs);
    for (const path of paths) {
      const job = await running.watch(
        path,
        ({ status }) => ["succeeded", "failed", "canceled"].includes(String(status)),
        90,
      );
      expect(job).toMatchObject({ status: "succeeded" });
    }
    const usage = await running.watch("/v1/usage", ({ reserved }) => reserved === 0, 60);
    expect(usage.totals).toMatchObject({ jobs, images: 6, credits: 4 * 4 * 50 + 6 * 1000 });
    expect(usage.balance).toBe(5_000_000 - usage.totals.credits);
    const sum = (kind: keyof FlakyProxy["faults"]) =>
      proxies.reduce((total, { faults }) => total + faults[kind], 0);
    expect(Math.min(sum("refused"), sum("lost"), sum("slow"))).toBeGreaterThan(0);
  }, 240_000);
});
