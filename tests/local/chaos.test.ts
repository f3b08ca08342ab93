import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../gpu-worker/random/seeded-random.ts";
import { createAwsClients } from "../../shared/aws/clients.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { SqsJobQueue } from "../../shared/aws/sqs-job-queue.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { queueNames } from "../../shared/queue-timing.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { picture } from "../functions/pictures.ts";
import { RunningService } from "./running-service.ts";

/** 200 in the full run: VISII_CHAOS_JOBS=200. */
const jobs = Number(process.env.VISII_CHAOS_JOBS ?? 24);
const seconds = 60 + jobs * 2;

let running: RunningService;
beforeAll(async () => {
  running = await RunningService.start({ workers: 2, credits: 100_000_000, logLevel: "error" });
});
afterAll(() => running?.stop());

describe("kill -9 in the middle of mixed jobs, with duplicate deliveries", () => {
  it(
    `loses none of ${jobs}, charges each once, and leaves queue and ledger clean`,
    async () => {
      const { service } = running;
      const draw = new SeededRandom(9, "chaos");
      const clients = createAwsClients(service.standIns.aws);
      const queueOf = (name: keyof typeof queueNames) =>
        new SqsJobQueue(clients.sqs, service.standIns.queueUrls[name]);
      const before = await running.upload(await picture());
      const after = await running.upload(await picture("png", { red: 30 }));
      const whole = await picture("jpeg", { width: 64, height: 64 });
      const torn = await running.upload(whole.subarray(0, whole.length - 200), "image/jpeg");

      const made: { path: string; kind: "learn" | "edit" }[] = [];
      const submit = async () => {
        const chance = draw.uniform();
        const [collection, body] =
          chance < 0.2
            ? (["instructions", { pairs: [{ before, after }], steps: 8, seed: made.length }] as const)
            : ([
                "edits",
                { text: "sepia", images: chance < 0.3 ? [torn] : [before, after], steps: 2 },
              ] as const);
        const key = `chaos-${made.length}`;
        // Each create twice, as an impatient client does.
        const answers = [];
        for (let again = 0; again < 2; again++)
          answers.push(await running.call("POST", `/v1/${collection}`, body, { "Idempotency-Key": key }));
        expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
        const { id } = answers[0]!.body;
        made.push({ path: `/v1/${collection}/${id}`, kind: collection === "edits" ? "edit" : "learn" });
        const message = JSON.stringify({ version: 1, job: id, account: service.account });
        if (draw.uniform() < 0.3)
          await queueOf(collection === "edits" ? "interactive" : "learning").send(message);
        if (draw.uniform() < 0.05) await running.call("POST", `/v1/${collection}/${id}/cancel`);
      };

      let killing = true;
      let kills = 0;
      const killer = (async () => {
        while (killing) {
          await new Promise((resolve) => setTimeout(resolve, 2500));
          const worker = service.workers[kills % 2]!;
          // Every other time the process that computes, else the worker itself; both come back by themselves.
          const pid = kills % 4 < 2 ? worker.computePids[kills % 2] : worker.pid;
          try {
            if (pid !== undefined && killing) process.kill(pid, "SIGKILL");
            kills++;
          } catch {
            // It was dead already.
          }
        }
      })();
      while (made.length < jobs) await submit();
      await new Promise((resolve) => setTimeout(resolve, 6000));
      killing = false;
      await killer;
      expect(kills).toBeGreaterThan(2);

      const ended = await Promise.all(
        made.map(async ({ path, kind }) => ({ kind, ...(await running.end(path, seconds)) })),
      );
      const byStatus = (status: string) => ended.filter((job) => job.status === status);
      for (const { error } of byStatus("failed")) expect(["damaged_image", "gave_up"]).toContain(error.code);
      expect(byStatus("succeeded").length).toBeGreaterThan(jobs / 2);

      // Every end has been told, nothing is reserved, and each success was charged exactly its own cost.
      const table = new DynamoTable(clients.dynamo, service.standIns.table, systemClock);
      const ledger = new Ledger(table, systemClock);
      const usage = await running.watch("/v1/usage", ({ reserved }) => reserved === 0, 60);
      expect(usage.totals.jobs).toBe(byStatus("succeeded").length);
      const cost = byStatus("succeeded").reduce((sum, job) => sum + job.usage.credits, 0);
      const expected = byStatus("succeeded").reduce(
        (sum, { kind }) => sum + (kind === "learn" ? 8 * 50 : 2 * 1000),
        0,
      );
      expect([usage.balance, cost]).toEqual([100_000_000 - expected, expected]);
      const entries = await ledger.entries(service.account, "2000", "3000", 10_000);
      expect(entries.reduce((sum, { credits }) => sum + credits, 0)).toBe(usage.balance);
      expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
      for (const name of Object.keys(queueNames) as (keyof typeof queueNames)[])
        await expect
          .poll(() => queueOf(name).depth(), { timeout: 30_000, interval: 500 })
          .toEqual({ visible: 0, inFlight: 0, delayed: 0 });
      clients.destroy();
    },
    (seconds + 120) * 1000,
  );
});
