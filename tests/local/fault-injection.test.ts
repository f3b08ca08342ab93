import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { picture } from "../functions/test-images.ts";
import { type FaultyStandIns, startFaultyStandIns } from "./faulty-stand-ins.ts";
import { callWithRetries, uploadWithRetries } from "./retries.ts";
import { RunningService } from "./running-service.ts";

const jobs = 10;
let faulty: FaultyStandIns;
let running: RunningService;

beforeAll(async () => {
  faulty = await startFaultyStandIns(new SeededRandom(5, "weather"), { table: 0.08, store: 0.08, queue: 0 });
  running = await RunningService.start({ standIns: faulty.standIns, logLevel: "error" });
}, 120_000);
afterAll(() => running?.stop());

describe("with a table and a store that throttle, delay and drop responses", () => {
  it(`ends each of ${jobs} jobs, charges each once, and leaves nothing open`, async () => {
    const before = await uploadWithRetries(running, await picture());
    const after = await uploadWithRetries(running, await picture());
    const paths: string[] = [];
    for (let index = 0; index < jobs; index++) {
      const learning = index % 3 === 0;
      const body = learning
        ? { pairs: [{ before, after }], steps: 4, seed: index }
        : { text: "sepia", images: [before], steps: 2 };
      const collection = learning ? "instructions" : "edits";
      const answer = await callWithRetries(running, "POST", `/v1/${collection}`, body, `faults-${index}`);
      expect(answer.status).toBe(202);
      paths.push(`/v1/${collection}/${answer.body.id}`);
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
    const { refused, lost, slow } = faulty.faults();
    expect(Math.min(refused, lost, slow)).toBeGreaterThan(0);
  }, 240_000);
});
