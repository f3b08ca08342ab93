import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../shared/ids.ts";
import { type Job, newJob, type Run } from "../../shared/jobs/job.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import { ManualClock } from "../contracts/manual-clock.ts";
import { type LocalWorld, openLocalWorld } from "../local-world.ts";

let world: LocalWorld;
let jobs: JobStore;
let runs: JobStore["runs"];
const clock = new ManualClock();
const account = createId("account", 1, randomBytes(10));

beforeAll(async () => {
  world = await openLocalWorld(clock);
  jobs = new JobStore({ ...world, clock });
  runs = jobs.runs;
});
afterAll(() => world?.stop());

async function stored(): Promise<Job> {
  const id = createId("edit", clock.now(), randomBytes(10));
  const image = createId("upload", 1, randomBytes(10));
  return jobs.insert(
    newJob({
      id,
      account,
      queue: "interactive",
      reserved: 10,
      request: { kind: "edit", text: "sepia", images: [image] },
      created_at: new Date(clock.now()).toISOString(),
    }),
  );
}

describe("a job's row", () => {
  it("is leased by one of many workers", async () => {
    const { id } = await stored();
    const claims = await Promise.all(["a", "b", "c", "d"].map((owner) => runs.claim(account, id, owner)));
    expect(claims.filter((claim) => claim === "taken")).toHaveLength(3);
  });

  it("is leased by another worker when the lease expires, and the first one loses it", async () => {
    const { id } = await stored();
    const first = (await runs.claim(account, id, "first")) as Run;
    clock.advance(queueTiming.lease * 1000 + 1);
    const second = (await runs.claim(account, id, "second")) as Run;
    expect(second.attempt).toBe(2);
    expect(await runs.renew(first, "first")).toBeUndefined();
    expect(await runs.end(first, { status: "failed" }, { attempt: first.attempt })).toMatchObject({
      status: "running",
    });
    expect(
      await runs.renew(second, "second", { progress: { stage: "edit", step: 1, steps: 2 } }),
    ).toMatchObject({
      progress: { step: 1 },
    });
  });

  it("ends once; the first writer wins", async () => {
    const job = await stored();
    await runs.end(job, { status: "canceled" });
    await runs.end(job, { status: "succeeded" });
    expect(await runs.get(account, job.id)).toMatchObject({ status: "canceled" });
    expect(await jobs.get(account, job.id)).toMatchObject({ status: "running", concluded: false });
    expect(await runs.claim(account, job.id, "late")).toBe("over");
  });

  it("is due for the sweeper until its run is removed", async () => {
    const job = await stored();
    const due = async () => {
      const rows = await world.table.dueBy("run", new Date(clock.now() + 86_400_000).toISOString(), 100);
      return rows.some(({ pk }) => pk.endsWith(job.id));
    };
    expect(await due()).toBe(true);
    await runs.end(job, { status: "canceled" });
    expect(await due()).toBe(true);
    await runs.remove(account, job.id);
    expect(await due()).toBe(false);
  });

  it("is queued by ID on its queue", async () => {
    const job = await stored();
    await runs.enqueue(job);
    const [message] = await world.queues.interactive.receive({
      maximum: 1,
      waitSeconds: 1,
      visibilitySeconds: 5,
    });
    expect(JSON.parse(message!.body)).toEqual({ version: 1, job: job.id, account });
  });
});
