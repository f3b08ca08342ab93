import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { settleQueued } from "../../../functions/settlement/settlement-queue.ts";
import { drainDeadLetters, handleDeadLetter } from "../../../functions/sweep/dead-letters.ts";
import { repairJob } from "../../../functions/sweep/repair-job.ts";
import { sweep } from "../../../functions/sweep/sweep.ts";
import { consume } from "../../../gpu-worker/queue/consume.ts";
import { createJobHandler, type Work, type WorkDone } from "../../../gpu-worker/queue/run-job.ts";
import { insertAccount } from "../../../shared/accounts/account.ts";
import { SqsJobQueue } from "../../../shared/aws/sqs-job-queue.ts";
import { ProcessKilled, RetryableError, VisibleError } from "../../../shared/errors.ts";
import { createId } from "../../../shared/ids.ts";
import { type Job, newJob, type Run } from "../../../shared/jobs/job.ts";
import { firstEvent, readEvents } from "../../../shared/jobs/job-events.ts";
import { JobStore } from "../../../shared/jobs/job-store.ts";
import { Ledger } from "../../../shared/ledger/ledger.ts";
import { objectKeys } from "../../../shared/object-keys.ts";
import { queueTiming } from "../../../shared/queue-timing.ts";
import { rowKeys } from "../../../shared/rows.ts";
import { systemClock as clock, systemRandom as random } from "../../../shared/system-clock.ts";
import { sumOfLedger } from "../../ledger-rows.ts";
import { type LocalWorld, openLocalWorld } from "../../local-world.ts";

const timing = {
  ...queueTiming,
  visibility: 2,
  heartbeat: 1,
  lease: 2,
  poll: 1,
  backoffFirst: 0,
  unqueuedGrace: 0,
};
const log = { info: () => undefined, error: () => undefined };
const account = createId("account", Date.now(), randomBytes(10));
/**
 * A worker may have received a message while it stopped. That message is delivered again after its visibility
 * timeout.
 */
const patient = { timeout: 10_000 };
/** Result `index` of a job whose images have four variations each. */
const result = ({ id }: Pick<Job, "id">, index: number) => ({
  input: "upl_1",
  key: objectKeys.result(account, id, Math.floor(index / 4), index % 4, "png"),
  width: 8,
  height: 8,
});
const succeed: Work = async (job): Promise<WorkDone> => ({
  results: [result(job, 0)],
  measured: { compute_seconds: 1, steps: 2 },
});

let world: LocalWorld;
let jobs: JobStore;
let ledger: Ledger;
let stop: AbortController;
let loops: Promise<void>[] = [];
let over = false;
let settling: Promise<void>;

beforeAll(async () => {
  world = await openLocalWorld();
  jobs = new JobStore({ ...world, clock, timing });
  ledger = new Ledger(world.table, clock);
  settling = (async () => {
    while (!over) await settleQueued(ports(), world.settlements, 1);
  })();
  await insertAccount(world.table, {
    id: account,
    name: "t",
    created_at: new Date().toISOString(),
    webhook_secret: "whsec_AA==",
    concurrency: 10,
  });
  await ledger.open(account, 1_000_000);
});
afterAll(async () => {
  over = true;
  await settling;
  await world?.stop();
});
afterEach(async () => {
  stop?.abort();
  await Promise.all(loops);
  loops = [];
});

const ports = () => {
  const { table, objects, settlements } = world;
  return { jobs, runs: jobs.runs, ledger, table, objects, settlements, clock, random, log };
};

/** Changes a job's run, as the API or time does. */
const changeRun = (job: Job, changes: Partial<Run>) =>
  jobs.runs.change(account, job.id, (run) => ({
    run: { ...run, ...changes },
    due: new Date().toISOString(),
  }));

/** A worker that does `work`; several share the queue. */
function startWorker(work: Work, shared?: AbortSignal, handlerClock = clock): void {
  if (!shared) stop = new AbortController();
  const signal = shared ?? stop.signal;
  const handle = createJobHandler({ ...ports(), clock: handlerClock }, work);
  loops.push(consume({ queues: [world.queues.interactive], handle, timing, clock, log, signal }));
}

async function submit({ reserved = 5000 } = {}): Promise<Job> {
  const id = createId("edit", Date.now(), randomBytes(10));
  await ledger.reserve(account, id, reserved, { class: "interactive", max: 1000 });
  const job = await jobs.insert(
    newJob({
      id,
      account,
      queue: "interactive",
      reserved,
      request: {
        kind: "edit",
        text: "sepia",
        images: Array.from({ length: 8 }, () => createId("upload", 1, randomBytes(10))),
        count: 4,
      },
      created_at: new Date().toISOString(),
    }),
  );
  await jobs.runs.enqueue(job);
  return job;
}

async function ended(job: Job, seconds = 15): Promise<Job> {
  return expect
    .poll(() => jobs.get(account, job.id), { timeout: seconds * 1000, interval: 50 })
    .toMatchObject({ concluded: true, status: expect.stringMatching(/succeeded|failed|canceled/) })
    .then(async () => (await jobs.get(account, job.id))!);
}

describe("a worker", () => {
  it("runs and charges a job once if its message arrives three times at two workers", async () => {
    let runs = 0;
    const work: Work = async (job, hooks) => {
      runs++;
      await clock.sleep(200);
      return succeed(job, hooks);
    };
    const job = await submit();
    await jobs.runs.enqueue(job);
    await jobs.runs.enqueue(job);
    const before = (await ledger.balance(account))!.available;
    startWorker(work);
    startWorker(work, stop.signal);
    expect(await ended(job)).toMatchObject({ status: "succeeded", attempt: 1, usage: { credits: 1000 } });
    await expect
      .poll(() => world.queues.interactive.depth(), { timeout: 10_000 })
      .toMatchObject({ visible: 0, inFlight: 0 });
    expect(runs).toBe(1);
    expect((await ledger.balance(account))!.available - before).toBe(4000);
  });

  it("publishes results at once, without waiting for the next update of the row", async () => {
    // Waits of half a second and more are shortened.
    const sleep: typeof clock.sleep = (milliseconds, signal) =>
      clock.sleep(milliseconds < 500 ? milliseconds : 2 ** 30, signal);
    const published = async (job: Job) =>
      (await readEvents(world.table, job.id, firstEvent.id)).map(({ event }) => event.type);
    const job = await submit();
    const input = createId("upload", 1, randomBytes(10));
    const made: number[] = [];
    startWorker(
      async (claimed, hooks) => {
        for (let index = 0; index < 3; index++) {
          await clock.sleep(300);
          hooks.report({ results: [result(job, index)], event: { type: "result", index, input } });
          made.push(index);
          await expect.poll(() => published(job), patient).toEqual(["status", ...made.map(() => "result")]);
        }
        return succeed(claimed, hooks);
      },
      undefined,
      { ...clock, sleep },
    );
    expect(await ended(job)).toMatchObject({ status: "succeeded", failures: 0 });
  });

  it("retries after an error, and keeps the job if an attempt outlasts visibility timeout and lease", async () => {
    let runs = 0;
    const job = await submit();
    startWorker(async (job, hooks) => {
      if (++runs === 1) throw new RetryableError("the device is busy");
      await clock.sleep(3500);
      return succeed(job, hooks);
    });
    expect(await ended(job)).toMatchObject({ status: "succeeded", attempt: 2, failures: 1 });
    expect(runs).toBe(2);
  });

  it("fails a job that can never succeed at once, with the reason, and releases the credits", async () => {
    const before = (await ledger.balance(account))!.available;
    const job = await submit();
    startWorker(async () => {
      throw new VisibleError("damaged_image", "Image 1 is damaged.");
    });
    expect(await ended(job)).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "damaged_image" },
    });
    expect((await ledger.balance(account))!.available).toBe(before);
  });

  it("returns its job when stopped; the next worker resumes it, and no failure is counted", async () => {
    const job = await submit();
    startWorker(
      (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    await expect.poll(() => jobs.get(account, job.id), patient).toMatchObject({ status: "running" });
    stop.abort();
    await Promise.all(loops);
    expect(await jobs.get(account, job.id)).toMatchObject({ status: "queued", failures: 0 });
    startWorker(succeed);
    expect(await ended(job)).toMatchObject({ status: "succeeded", attempt: 2 });
  });

  it("stops a job that is canceled or past its deadline", async () => {
    const work: Work = (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const job = await submit();
    const late = await submit();
    await changeRun(late, { cancel_at: new Date(Date.now() + 1500).toISOString() });
    startWorker(work);
    startWorker(work, stop.signal);
    await expect.poll(() => jobs.get(account, job.id), patient).toMatchObject({ status: "running" });
    await changeRun(job, { cancel_requested: true });
    expect((await ended(job)).status).toBe("canceled");
    expect((await ended(late)).status).toBe("canceled");
  });

  it("fails a job after its failed attempts, and leaves invalid messages to the dead-letter queue", async () => {
    const job = await submit();
    await world.queues.interactive.send("not a job at all");
    startWorker(async () => {
      throw new Error("cannot be done");
    });
    expect(await ended(job)).toMatchObject({
      status: "failed",
      failures: timing.maxFailures,
      error: { code: "gave_up", message: expect.stringContaining("5 times") },
    });
    const dead = new SqsJobQueue(world.clients.sqs, world.standIns.deadLetterUrls.interactive);
    await expect.poll(() => dead.depth(), { timeout: 20_000 }).toMatchObject({ visible: 1 });
    expect(await drainDeadLetters(ports(), dead)).toBe(1);
  });

  it("fails a job that killed its compute process twice as the caller's error", async () => {
    const job = await submit();
    let runs = 0;
    startWorker(async () => {
      runs++;
      throw new ProcessKilled("the compute process exited during a task (SIGKILL)");
    });
    expect(await ended(job)).toMatchObject({
      status: "failed",
      failures: 2,
      kills: 2,
      error: {
        code: "unprocessable",
        message: expect.stringMatching(/2 times .*SIGKILL.*; check its images/),
      },
    });
    expect(runs).toBe(2);
  });

  it("charges a job that is canceled at 24 of 32 results for these and for its steps", async () => {
    const job = await submit({ reserved: 32_000 });
    const before = (await ledger.balance(account))!.available;
    const results = Array.from({ length: 24 }, (_, index) => result(job, index));
    startWorker((_, { signal, report }) => {
      report({ results, measured: { compute_seconds: 3, steps: 480 } });
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await expect.poll(() => jobs.get(account, job.id), patient).toMatchObject({ results: { length: 24 } });
    await changeRun(job, { cancel_requested: true });
    expect(await ended(job)).toMatchObject({
      status: "canceled",
      usage: { images: 24, steps: 480, pixels: 24 * 64, credits: 24_000, compute_seconds: 3 },
    });
    expect((await ledger.balance(account))!.available - before).toBe(32_000 - 24_000);
  });

  it("charges the same when its worker stopped responding before it could end it", async () => {
    const job = await submit({ reserved: 32_000 });
    const held = (await jobs.runs.claim(account, job.id, "a worker that dies")) as Run;
    await jobs.runs.renew(held, "a worker that dies", { results: [result(job, 0), result(job, 1)] });
    await changeRun(job, { cancel_requested: true });
    await clock.sleep(timing.lease * 1000 + 100);
    await repairJob(ports(), account, job.id);
    expect(await jobs.get(account, job.id)).toMatchObject({ status: "canceled", usage: { credits: 2000 } });
  });
});

describe("a late message", () => {
  const message = async (job: Job) => {
    const body = JSON.stringify({ version: 1, job: job.id, account });
    return { body, receipt: "late", receiveCount: 1 };
  };
  const never = new AbortController().signal;
  const waiting = async () => (await world.queues.interactive.depth()).visible;

  it("is deleted while a healthy worker runs its job, whose row stays due", async () => {
    const job = await submit();
    const held = (await jobs.runs.claim(account, job.id, "a healthy worker")) as Run;
    const handle = createJobHandler(ports(), succeed);
    for (let delivery = 0; delivery < timing.maxReceives + 2; delivery++)
      expect(await handle(await message(job), never)).toBe("done");
    expect((await world.table.get(rowKeys.run(account, job.id)))?.due).toBeDefined();
    expect(await jobs.runs.renew(held, "a healthy worker")).toMatchObject({ status: "running", attempt: 1 });
    await jobs.runs.end(job, { status: "canceled" });
  });

  it("from the dead-letter queue does not end a job that a healthy worker runs", async () => {
    const job = await submit();
    const held = (await jobs.runs.claim(account, job.id, "a healthy worker")) as Run;
    await handleDeadLetter(ports(), (await message(job)).body);
    expect(await jobs.runs.renew(held, "a healthy worker")).toMatchObject({ status: "running", failures: 0 });
    await clock.sleep(timing.lease * 1000 + 100);
    await handleDeadLetter(ports(), (await message(job)).body);
    expect(await jobs.get(account, job.id)).toMatchObject({ status: "queued", failures: 1 });
    await jobs.runs.end(job, { status: "canceled" });
  });

  it("is sent again if a worker crashes between returning its job and queueing it", async () => {
    await emptyQueue();
    const [job, other] = [await submit(), await submit()];
    const held = (await jobs.runs.claim(account, job.id, "a worker that stops")) as Run;
    await jobs.runs.release(held, "a worker that stops");
    const before = await waiting();
    await repairJob(ports(), account, job.id);
    expect(await waiting()).toBe(before + 1);
    await emptyQueue();
    for (const { id } of [job, other]) await jobs.runs.end({ account, id }, { status: "canceled" });
  });

  it("is sent again for a waiting job only if its queue is empty or hours have passed", async () => {
    await emptyQueue();
    const job = await submit();
    expect(await waiting()).toBe(1);
    for (let check = 0; check < 3; check++) await repairJob(ports(), account, job.id);
    expect(await waiting()).toBe(1);
    await emptyQueue();
    await repairJob(ports(), account, job.id);
    expect(await waiting()).toBe(1);
    const longAgo = new Date(Date.now() - timing.queuedLongest * 1000).toISOString();
    await changeRun(job, { enqueued_at: longAgo });
    await repairJob(ports(), account, job.id);
    expect(await waiting()).toBe(2);
    await emptyQueue();
    await jobs.runs.end(job, { status: "canceled" });
  });

  async function emptyQueue(): Promise<void> {
    for (;;) {
      const options = { maximum: 10, waitSeconds: 0, visibilitySeconds: 60 };
      const messages = await world.queues.interactive.receive(options);
      if (!messages.length) return;
      await Promise.all(messages.map(({ receipt }) => world.queues.interactive.delete(receipt)));
    }
  }
});

describe("the sweeper", () => {
  const sweepAll = () => sweep({ ...ports(), meter: undefined, webhooks: world.webhooks });

  it("queues a job that was stored but not queued", async () => {
    const id = createId("edit", Date.now(), randomBytes(10));
    const template = await submit();
    const job = await jobs.insert({ ...template, id });
    await sweepAll();
    startWorker(succeed);
    expect((await ended(job)).status).toBe("succeeded");
    expect((await ended(template)).status).toBe("succeeded");
  });

  it("queues a crashed worker's job again, and sends the webhooks that it did not send", async () => {
    const held = await submit();
    await jobs.runs.claim(account, held.id, "a worker that dies");
    const untold = await submit();
    await jobs.runs.end(untold, { status: "canceled" });
    await clock.sleep(2100);
    await sweepAll();
    startWorker(succeed);
    expect((await ended(untold)).status).toBe("canceled");
    expect(await ended(held)).toMatchObject({ status: "succeeded", attempt: 2 });
  });

  it("leaves no reservations, and a ledger whose sum is the balance", async () => {
    const balance = (await ledger.balance(account))!;
    expect(balance).toMatchObject({ reserved: 0, open: { interactive: 0, bulk: 0 } });
    expect(await sumOfLedger(world.table, account)).toBe(balance.available);
  });
});
