import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { defaultEdgeSettings } from "../../functions/edge.ts";
import { type AwsClients, createAwsClients } from "../../shared/aws/clients.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { SqsJobQueue } from "../../shared/aws/sqs-job-queue.ts";
import { workCost } from "../../shared/prices.ts";
import { queueNames } from "../../shared/queue-timing.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { picture } from "../functions/test-images.ts";
import { ledgerRows } from "../ledger-rows.ts";
import { type FaultyStandIns, startFaultyStandIns } from "./faulty-stand-ins.ts";
import { callWithRetries, uploadWithRetries } from "./retries.ts";
import { quickTiming, RunningService } from "./running-service.ts";

/** 200 in the full run: VISII_CHAOS_JOBS=200. */
const jobs = Number(process.env.VISII_CHAOS_JOBS ?? 14);
/** Time limit for all jobs to end after the last one was submitted. */
const seconds = 120 + jobs * 3;
const credits = 100_000_000;
const prices = { learn: 8 * 50, edit: 2 * 1000 };
/** Milliseconds between two kills. */
const killEvery = 3000;

let faulty: FaultyStandIns;
let running: RunningService;
let direct: AwsClients;
beforeAll(async () => {
  const draw = new SeededRandom(11, "weather");
  faulty = await startFaultyStandIns(draw, { table: 0.05, store: 0.05, queue: 0.03 });
  direct = createAwsClients(faulty.direct);
  running = await RunningService.start({
    workers: 2,
    apiProcess: true,
    credits,
    logLevel: "error",
    standIns: faulty.standIns,
    // Here the test ends the computing processes, not a job's input.
    timing: { ...quickTiming, maxKills: 1000, maxFailures: 1000 },
    settings: { ...defaultEdgeSettings, requestsPerMinute: 1_000_000, idempotencyLock: 5 },
  });
}, 120_000);
afterAll(async () => {
  await running?.stop();
  direct?.destroy();
});

const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
const queueOf = (name: keyof typeof queueNames) =>
  new SqsJobQueue(direct.sqs, running.service.standIns.queueUrls[name]);

/**
 * Kills a compute process, the API and a worker in turn, with SIGKILL. All are restarted automatically. The
 * next kill waits for the restart, because otherwise a slow machine would make no progress.
 */
function startKiller() {
  const kills = { computing: 0, api: 0, worker: 0 };
  const killed = new Set<number>();
  let killing = true;
  const victims = (turn: number) => {
    const { workers, api } = running.service;
    const worker = workers[(turn >> 1) % 2]!;
    return {
      computing: worker.isReady ? worker.computePids[turn % 2] : undefined,
      api: api?.isReady ? api.pid : undefined,
      worker: worker.isReady ? worker.pid : undefined,
    };
  };
  const allAreBack = () => {
    const { workers, api } = running.service;
    return [...workers, api].every((part) => part?.isReady);
  };
  const loop = (async () => {
    for (let turn = 0; killing; turn++) {
      while (killing && !allAreBack()) await sleep(100);
      await sleep(killEvery);
      const kind = (["computing", "api", "worker"] as const)[turn % 3]!;
      const pid = victims(turn)[kind];
      if (!killing || pid === undefined || killed.has(pid)) continue;
      killed.add(pid);
      process.kill(pid, "SIGKILL");
      kills[kind]++;
    }
  })();
  return {
    kills,
    async stop() {
      killing = false;
      await loop;
      // The next request is sent once.
      while (!allAreBack()) await sleep(100);
    },
  };
}

interface Made {
  readonly path: string;
  readonly kind: "learn" | "edit";
}

describe("kill -9 of computing processes, workers and API in the middle of mixed jobs, duplicate deliveries, and injected faults", () => {
  it(
    `loses none of ${jobs} jobs, charges each once, and leaves queue and ledger clean`,
    async () => {
      const draw = new SeededRandom(9, "chaos");
      const before = await uploadWithRetries(running, await picture());
      const after = await uploadWithRetries(running, await picture("png", { red: 30 }));
      const whole = await picture("jpeg", { width: 64, height: 64 });
      const torn = await uploadWithRetries(running, whole.subarray(0, whole.length - 200), "image/jpeg");

      let [number, duplicates, cancels] = [0, 0, 0];
      const made: Made[] = [];
      const submit = async (name: string) => {
        const learning = draw.uniform() < 0.2;
        const images = draw.uniform() < 0.1 ? [torn] : [before, after];
        const [twice, unwanted] = [draw.uniform() < 0.3, draw.uniform() < 0.05];
        const collection = learning ? "instructions" : "edits";
        const body = learning
          ? { pairs: [{ before, after }], steps: 8, seed: 7 }
          : { text: "sepia", images, steps: 2 };
        // Each is created twice, as by a client that retries early.
        const create = () => callWithRetries(running, "POST", `/v1/${collection}`, body, name);
        const [first, again] = [await create(), await create()];
        expect([first.status, again.body.id]).toEqual([202, first.body.id]);
        const { id } = first.body;
        made.push({ path: `/v1/${collection}/${id}`, kind: learning ? "learn" : "edit" });
        if (twice) {
          duplicates++;
          const message = JSON.stringify({ version: 1, job: id, account: running.service.account });
          await queueOf(learning ? "learning" : "interactive").send(message);
        }
        if (!unwanted) return;
        cancels++;
        await callWithRetries(running, "POST", `/v1/${collection}/${id}/cancel`);
      };

      const killer = startKiller();
      const started = Date.now();
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          while (number < jobs) await submit(`chaos-${number++}`);
        }),
      );
      // Each kind of process was killed at least twice during work.
      while (Math.min(killer.kills.computing, killer.kills.worker, killer.kills.api) < 2) await sleep(500);
      await killer.stop();

      const ended = await Promise.all(
        made.map(async ({ path, kind }) => ({ ...(await running.end(path, seconds)), kind })),
      );
      expect(new Set(ended.map(({ id }) => id)).size).toBe(jobs);
      const byStatus = (status: string) => ended.filter((job) => job.status === status);
      const [succeeded, failed] = [byStatus("succeeded"), byStatus("failed")];
      for (const { error } of failed) expect(["damaged_image", "gave_up"]).toContain(error.code);
      expect(succeeded.length).toBeGreaterThan(jobs / 2);

      // Every end is reported and nothing is reserved. A success costs exactly its own price; any other end
      // costs the work that was stored, so a job that was canceled between its two results pays for one.
      const usage = await running.watch("/v1/usage", ({ reserved }) => reserved === 0, 90);
      for (const { kind, usage } of succeeded) expect(usage.credits).toBe(prices[kind as Made["kind"]]);
      const paid = ended.filter((job) => job.usage?.credits > 0);
      for (const { kind, status, usage, results } of paid) {
        if (status === "succeeded") continue;
        if (kind === "edit") expect(usage.images).toBe(results.length);
        expect(usage.credits).toBe(workCost(usage, kind));
        expect(usage.credits).toBeLessThanOrEqual(prices[kind as Made["kind"]]);
      }
      const charged = paid.reduce((sum, job) => sum + job.usage.credits, 0);
      expect([usage.totals.jobs, usage.balance]).toEqual([paid.length, credits - charged]);
      const table = new DynamoTable(direct.dynamo, running.service.standIns.table, systemClock);
      const entries = await ledgerRows(table, running.service.account);
      expect(entries.reduce((sum, { credits }) => sum + credits, 0)).toBe(usage.balance);
      const chargedJobs = entries.flatMap(({ kind, job }) => (kind === "charge" ? [job] : []));
      expect(chargedJobs).toHaveLength(paid.length);
      expect(new Set(chargedJobs).size).toBe(chargedJobs.length);
      for (const name of Object.keys(queueNames) as (keyof typeof queueNames)[])
        await expect
          .poll(() => queueOf(name).depth(), { timeout: 60_000, interval: 500 })
          .toEqual({ visible: 0, inFlight: 0, delayed: 0 });

      const faults = faulty.faults();
      expect(Math.min(faults.refused, faults.lost, faults.slow)).toBeGreaterThan(0);
      const gaveUp = failed.filter(({ error }) => error.code === "gave_up").length;
      const figures = { jobs, duplicates, cancels, kills: killer.kills, faults, gaveUp, charged };
      const statuses = {
        succeeded: succeeded.length,
        failed: failed.length,
        canceled: byStatus("canceled").length,
      };
      const lasted = Math.round((Date.now() - started) / 1000);
      console.info(`chaos: ${JSON.stringify({ ...figures, ...statuses, seconds: lasted })}`);
    },
    (seconds * 3 + 300) * 1000,
  );
});
