import { randomBytes } from "node:crypto";
import { NumberValue, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advanceBatch } from "../../functions/batches/advance-batch.ts";
import { settle } from "../../functions/settlement/settle.ts";
import { settleQueued } from "../../functions/settlement/settlement-queue.ts";
import { sweep } from "../../functions/sweep/sweep.ts";
import { createJobHandler, type Work } from "../../gpu-worker/queue/run-job.ts";
import { createId } from "../../shared/ids.ts";
import type { Run } from "../../shared/jobs/job.ts";
import { appendEvent, eventId, lastEventId } from "../../shared/jobs/job-events.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { JobQueue, ReceivedMessage } from "../../shared/ports/job-queue.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import { maxResultBytes } from "../../shared/result-size.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemRandom as random, systemClock } from "../../shared/system-clock.ts";
import { ManualClock } from "../contracts/manual-clock.ts";
import { endJob } from "../end-job.ts";
import { ledgerRows, sumOfLedger } from "../ledger-rows.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

const credits = 1_000_000;
/** Of an edit of two images. */
const reserved = 2000;

let api: Api;
let photo: Uint8Array;
beforeAll(async () => {
  api = await Api.open();
  photo = await picture();
});
afterAll(() => api?.stop());

function ports(clock: Clock = systemClock) {
  const { table, objects, webhooks, settlements, queues } = api.world;
  const jobs = new JobStore({ table, queues, clock, timing: queueTiming });
  const ledger = new Ledger(table, clock);
  const log = { info: () => undefined, error: () => undefined };
  const common = { table, objects, clock, random, log, meter: undefined, webhooks, settlements };
  return { ...common, jobs, runs: jobs.runs, ledger };
}

interface Submitted {
  readonly caller: Caller;
  readonly id: string;
}

/** An edit of two images of a new account. */
async function submitted(): Promise<Submitted> {
  const caller = await api.caller(credits);
  const image = await api.upload(caller, photo);
  const { status, body } = await caller("POST", "/v1/edits", { text: "sepia", images: [image, image] });
  expect([status, body.cost]).toEqual([202, reserved]);
  return { caller, id: body.id };
}

const resultsOf = ({ caller, id }: Submitted, count = 2) =>
  Array.from({ length: count }, (_, index) => ({
    input: createId("upload", 1, randomBytes(10)),
    key: objectKeys.result(caller.account, id, index, 0, "png"),
    width: 8,
    height: 8,
  }));
const measured = { compute_seconds: 1, steps: 4 };
const success = (job: Submitted) => ({ status: "succeeded", results: resultsOf(job), measured }) as const;

/** What callers see of the account's money, which must agree with the ledger. */
async function money(caller: Caller) {
  const { balance, reserved } = (await caller("GET", "/v1/usage")).body;
  expect(await sumOfLedger(api.world.table, caller.account)).toBe(balance + reserved);
  return { balance, reserved };
}
const charges = async ({ account }: Caller) =>
  (await ledgerRows(api.world.table, account)).filter(({ kind }) => kind === "charge");
const edit = async ({ caller, id }: Submitted) => (await caller("GET", `/v1/edits/${id}`)).body;

describe("a job's settlement", () => {
  it("charges once and makes each delivery once, also if it runs eight times at once and again later", async () => {
    const job = await submitted();
    const { account } = job.caller;
    await job.caller("POST", "/v1/webhooks", { url: "https://example.com/hook" });
    await ports().runs.end({ account, id: job.id }, success(job));
    await Promise.all(Array.from({ length: 8 }, () => settle(ports(), account, job.id)));
    await settle(ports(), account, job.id);
    expect(await money(job.caller)).toEqual({ balance: credits - 2000, reserved: 0 });
    expect(await charges(job.caller)).toHaveLength(1);
    const deliveries = await api.world.table.query(account, { prefix: "dlv#", limit: 10 });
    expect(deliveries).toHaveLength(1);
    expect(await api.world.table.get(rowKeys.run(account, job.id))).toBeUndefined();
  });

  it("is the moment at which callers see the end, with its charge", async () => {
    const job = await submitted();
    const { account } = job.caller;
    await ports().runs.claim(account, job.id, "worker");
    const end = { type: "status", status: "succeeded" } as const;
    // A worker can write events. These two would be an end without a charge.
    await appendEvent(api.world.table, systemClock, job.id, eventId(1, 0), end);
    await appendEvent(api.world.table, systemClock, job.id, lastEventId, end);
    await ports().runs.end({ account, id: job.id }, success(job));
    expect(await edit(job)).toMatchObject({ status: "running" });
    expect((await edit(job)).usage).toBeUndefined();
    const listed = (await job.caller("GET", "/v1/edits?status=running")).body.data;
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([job.id]);
    const events = job.caller("GET", `/v1/edits/${job.id}/events`);
    await systemClock.sleep(300);
    await settle(ports(), account, job.id);
    const types = [...(await events).body.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data));
    expect(types.map(({ status }) => status)).toEqual(["queued", "succeeded"]);
    expect(await edit(job)).toMatchObject({ status: "succeeded", usage: { credits: 2000 } });
  });

  it("is made by the sweeper if its message is lost", async () => {
    const job = await submitted();
    const { account } = job.caller;
    await ports().runs.end({ account, id: job.id }, success(job));
    const clock = new ManualClock(Date.now() + 1000);
    await sweep(ports(clock));
    expect((await edit(job)).status).toBe("running");
    clock.advance(queueTiming.unqueuedGrace * 1000);
    await sweep(ports(clock));
    expect(await edit(job)).toMatchObject({ status: "succeeded", usage: { credits: 2000 } });
    expect(await money(job.caller)).toEqual({ balance: credits - 2000, reserved: 0 });
  });
});

describe("a job without a run", () => {
  it("gets one from the sweeper: its process died, or an earlier version stored it", async () => {
    const job = await submitted();
    const { account } = job.caller;
    const { table } = api.world;
    await ports().runs.remove(account, job.id);
    const key = rowKeys.resource(account, job.id);
    const { version, ...row } = (await table.get(key))!;
    await table.replace({ ...row, due: new Date().toISOString() }, version);
    await sweep(ports(new ManualClock(Date.now() + 1000)));
    expect(await ports().runs.get(account, job.id)).toMatchObject({ status: "queued", attempt: 0 });
    expect((await table.get(key))?.due).toBeUndefined();
    await endJob(ports(), account, job.id, success(job));
    expect(await money(job.caller)).toEqual({ balance: credits - 2000, reserved: 0 });
  });
});

describe("a worker", () => {
  const never = new AbortController().signal;
  const message = ({ caller, id }: Submitted): ReceivedMessage => {
    const body = JSON.stringify({ version: 1, job: id, account: caller.account });
    return { body, receipt: "", receiveCount: 1 };
  };
  const work =
    (job: Submitted): Work =>
    async () => ({ results: resultsOf(job), measured });

  it("that dies after the outcome has its job settled when the message is delivered again", async () => {
    const job = await submitted();
    const dead: JobQueue = { ...emptyQueue, send: () => Promise.reject(new Error("killed")) };
    const handle = (settlements: JobQueue) => createJobHandler({ ...ports(), settlements }, work(job));
    expect(await handle(dead)(message(job), never)).toBe("done");
    expect(await edit(job)).toMatchObject({ status: "running" });
    expect(await handle(api.world.settlements)(message(job), never)).toBe("done");
    await settleQueued(ports(), api.world.settlements, 1);
    expect(await edit(job)).toMatchObject({ status: "succeeded" });
    expect(await money(job.caller)).toEqual({ balance: credits - 2000, reserved: 0 });
    // It is delivered a third time, after the settlement.
    expect(await handle(api.world.settlements)(message(job), never)).toBe("done");
    expect(await api.world.table.get(rowKeys.run(job.caller.account, job.id))).toBeUndefined();
  });

  it("that has lost its lease cannot end the job", async () => {
    const job = await submitted();
    const { account } = job.caller;
    const clock = new ManualClock(Date.now());
    const { runs } = ports(clock);
    const first = (await runs.claim(account, job.id, "first")) as Run;
    clock.advance(queueTiming.lease * 1000 + 1);
    const second = (await runs.claim(account, job.id, "second")) as Run;
    const by = { attempt: first.attempt, owner: "first" };
    expect(await runs.end(first, success(job), by)).toMatchObject({ status: "running", attempt: 2 });
    // Nor with the attempt of the other one.
    expect(await runs.end(first, success(job), { ...by, attempt: second.attempt })).toMatchObject({
      status: "running",
    });
    expect(await runs.end(second, success(job), { attempt: 2, owner: "second" })).toMatchObject({
      status: "succeeded",
    });
  });

  it("that ends a job while its caller cancels it leaves one end and the right balance", async () => {
    const jobs = await Promise.all(Array.from({ length: 3 }, submitted));
    for (const job of jobs) {
      const { caller, id } = job;
      const claimed = (await ports().runs.claim(caller.account, id, "worker")) as Run;
      const ending = ports().runs.end(claimed, success(job), { attempt: 1, owner: "worker" });
      const canceling = caller("POST", `/v1/edits/${id}/cancel`);
      await Promise.all([ending, canceling, settle(ports(), caller.account, id)]);
      await settle(ports(), caller.account, id);
      const { status, usage } = await edit(job);
      expect([status, usage.credits]).toEqual(["succeeded", 2000]);
      expect(await money(caller)).toEqual({ balance: credits - 2000, reserved: 0 });
    }
    // Queued jobs: the caller wins or the worker does.
    for (const job of await Promise.all(Array.from({ length: 3 }, submitted))) {
      const { caller, id } = job;
      const handled = createJobHandler(ports(), work(job))(message(job), never);
      await Promise.all([handled, caller("POST", `/v1/edits/${id}/cancel`)]);
      await settle(ports(), caller.account, id);
      const { status, usage } = await edit(job);
      expect(["succeeded", "canceled"]).toContain(status);
      expect(await money(caller)).toEqual({ balance: credits - (usage?.credits ?? 0), reserved: 0 });
      expect(await charges(caller)).toHaveLength(usage ? 1 : 0);
    }
  }, 180_000);
});

const emptyQueue: JobQueue = {
  send: async () => undefined,
  sendAll: async () => undefined,
  receive: async () => [],
  extend: async () => undefined,
  delete: async () => undefined,
  depth: async () => ({ visible: 0, inFlight: 0, delayed: 0 }),
};

describe("a compromised worker", () => {
  /** Replaces the run's row as a worker could, whose rights allow any content. */
  async function forge({ caller, id }: Submitted, forged: object): Promise<void> {
    const key = rowKeys.run(caller.account, id);
    const row = (await api.world.table.get(key))!;
    await api.world.table.replace({ ...key, data: { ...row.data, ...forged }, due: row.due! }, row.version);
  }
  const outcomes: readonly (readonly [string, (job: Submitted) => object])[] = [
    ["a hundred results", (job) => ({ results: resultsOf(job, 100) })],
    ["one result forty times", (job) => ({ results: Array(40).fill(resultsOf(job)[0]) })],
    ["results of other jobs", (job) => ({ results: resultsOf({ ...job, id: "edt_other" }) })],
    ["no result", () => ({ results: [] })],
    ["huge steps", () => ({ measured: { compute_seconds: 1, steps: 1e9 } })],
    [
      "steps beyond all limits",
      () => ({ measured: { compute_seconds: 1, steps: NumberValue.from("1e30") } }),
    ],
    ["negative steps", () => ({ measured: { compute_seconds: -5, steps: -1e6 } })],
    ["text as a number", () => ({ measured: { compute_seconds: "NaN", steps: null } })],
    ["huge results", (job) => ({ results: resultsOf(job).map((r) => ({ ...r, width: 1e5, height: 1e5 })) })],
    [
      "negative results",
      (job) => ({ results: resultsOf(job).map((r) => ({ ...r, width: -8, bytes: -1e9 })) }),
    ],
    ["results of 1 TB", (job) => ({ results: resultsOf(job).map((r) => ({ ...r, bytes: 1e12 })) })],
    ["results of 1 GB", (job) => ({ results: resultsOf(job).map((r) => ({ ...r, bytes: 1e9 })) })],
    ["an infinite text", () => ({ error: { code: "x", message: "y".repeat(200_000) }, caption: 7 })],
    [
      "another reservation, charge, batch and account",
      () => ({
        reserved: 1e9,
        usage: { credits: -1e9 },
        batch: { id: "bat_1", line: 0 },
        account: "acc_other",
        concluded: true,
      }),
    ],
    ["nothing at all", () => ({ status: undefined, attempt: undefined, results: undefined })],
  ];

  it.each(outcomes)("that claims %s charges at most the reservation, once", async (_, forged) => {
    const job = await submitted();
    const { account } = job.caller;
    await forge(job, { ...success(job), ...forged(job) });
    // A caller who looks before the settlement gets no other object's link and no error.
    const early = await edit(job);
    await Promise.all(Array.from({ length: 3 }, () => settle(ports(), account, job.id)));
    const { balance, reserved: left } = await money(job.caller);
    expect(left).toBe(0);
    expect(balance).toBeGreaterThanOrEqual(credits - reserved);
    expect(balance).toBeLessThanOrEqual(credits);
    const { status, results, usage } = await edit(job);
    expect(["succeeded", "failed"]).toContain(status);
    expect(usage?.credits ?? 0).toBe(credits - balance);
    expect(results.length).toBeLessThanOrEqual(2);
    for (const { url } of [...early.results, ...results])
      expect(new URL(url).pathname).toContain(`/results/${account}/${job.id}/`);
    const { stored_bytes: bytes } = (await job.caller("GET", "/v1/account")).body;
    expect(bytes).toBeGreaterThanOrEqual(photo.length);
    const side = { content_type: "image/png", width: 32, height: 32 } as const;
    expect(bytes).toBeLessThanOrEqual(photo.length + 2 * maxResultBytes({}, side));
    expect(JSON.stringify(await edit(job)).length).toBeLessThan(10_000);
  });

  it("that stores a row of another form fails its job, which is free", async () => {
    const job = await submitted();
    const { account } = job.caller;
    const { pk, sk } = rowKeys.run(account, job.id);
    const { clients, standIns } = api.world;
    const Item = { pk, sk, version: "one", data: [1, 2], expires: "never", due_pk: "x", due_sk: "y" };
    await clients.dynamo.send(new PutCommand({ TableName: standIns.table, Item }));
    expect((await job.caller("GET", "/v1/edits")).body.data).toHaveLength(1);
    await settle(ports(), account, job.id);
    expect(await edit(job)).toMatchObject({ status: "failed", error: { code: "internal" } });
    expect(await money(job.caller)).toEqual({ balance: credits, reserved: 0 });
  });

  it("cannot charge a batch's line above its reservation, or settle another batch's line", async () => {
    const caller = await api.caller(credits);
    const image = await api.upload(caller, photo);
    const pairs = [{ before: image, after: image }];
    const { body: learning } = await caller("POST", "/v1/instructions", { pairs });
    await endJob(ports(), caller.account, learning.id, { status: "canceled" });
    const learned = await caller("POST", "/v1/instructions", { pairs });
    await endJob(ports(), caller.account, learned.body.id, { status: "succeeded" });
    const before = (await money(caller)).balance;
    const { body: batch } = await caller("POST", "/v1/batches", {
      instruction: learned.body.id,
      images: [image, image],
    });
    const advance = async (times: number) => {
      for (let pass = 0; pass < times; pass++) await advanceBatch(ports(), caller.account, batch.id);
    };
    await advance(3);
    const lines = (await caller("GET", `/v1/edits?batch=${batch.id}`)).body.data;
    expect(lines).toHaveLength(2);
    for (const { id } of lines) {
      const steps = { compute_seconds: 1, steps: 1e9 };
      const job = { caller, id };
      await forge(job, { ...success(job), measured: steps, reserved: 1e12, batch: { id: "bat_x", line: 9 } });
      await settle(ports(), caller.account, id);
    }
    await advance(4);
    expect((await caller("GET", `/v1/batches/${batch.id}`)).body).toMatchObject({
      status: "succeeded",
      counts: { succeeded: 2 },
    });
    expect(await money(caller)).toEqual({ balance: before - 2 * lines[0].cost, reserved: 0 });
  });
});
