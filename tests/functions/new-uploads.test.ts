import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advanceBatch } from "../../functions/batches/advance-batch.ts";
import { readInput } from "../../functions/batches/batch-input.ts";
import { eraseAccount } from "../../shared/erasure/erase-account.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { toIso } from "../../shared/ports/clock.ts";
import { type StoredBatch, storedBatchSchema } from "../../shared/resources/batch.ts";
import { parseRow, rowKeys, updateRow } from "../../shared/rows.ts";
import { systemClock as clock } from "../../shared/system-clock.ts";
import { maxSchedules } from "../../shared/totals.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller, postForm } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let bytes: Uint8Array;
let instruction: string;
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
  bytes = await picture();
  instruction = await learned(call);
});
afterAll(() => api?.stop());

const ports = () => ({
  jobs: new JobStore({ ...api.world, clock }),
  ledger: new Ledger(api.world.table, clock),
  clock,
  table: api.world.table,
  objects: api.world.objects,
});

async function learned(by: Caller): Promise<string> {
  const image = await api.upload(by, bytes);
  const { body } = await by("POST", "/v1/instructions", { pairs: [{ before: image, after: image }] });
  await endJob(ports(), by.account, body.id, { status: "succeeded" });
  return body.id;
}

async function named(name: string): Promise<string> {
  const wish = { content_type: "image/png", bytes: bytes.length, name };
  const { status, body: form } = await call("POST", "/v1/uploads", wish);
  expect(status).toBe(201);
  await postForm(form, bytes);
  const completed = await call("POST", `/v1/uploads/${form.id}/complete`);
  expect([completed.status, completed.body.name]).toEqual([200, name]);
  return form.id;
}

async function schedule(fields: object = { upload_prefix: "shop/" }, cron = "0 3 * * *"): Promise<string> {
  const { status, body } = await call("POST", "/v1/batches", { instruction, schedule: { cron }, ...fields });
  expect([status, body.status]).toEqual([202, "scheduled"]);
  return body.id;
}

let ticks = Date.now() - 1_000_000;
/** Makes a schedule due, and lets several sweepers handle it at the same time. */
async function tick(id: string, sweepers = 3): Promise<void> {
  ticks += 1000;
  const time = toIso(ticks);
  await updateRow(api.world.table, rowKeys.resource(call.account, id), storedBatchSchema, (batch) => ({
    data: { ...batch, next_run_at: time },
    due: time,
  }));
  await Promise.all(Array.from({ length: sweepers }, () => advanceBatch(ports(), call.account, id)));
}

async function runsOf(id: string): Promise<StoredBatch[]> {
  const rows = await api.world.table.query(call.account, { prefix: "bat#", limit: 1000 });
  return rows.map((row) => parseRow(storedBatchSchema, row).data).filter((batch) => batch.schedule_of === id);
}

/** Begins each run, twice at the same time and once more, and returns the uploads of its lines. */
async function linesOf(id: string): Promise<(string | undefined)[][]> {
  for (const run of await runsOf(id))
    if (run.status === "queued")
      await Promise.all([1, 2].map(() => advanceBatch(ports(), call.account, run.id)));
  return Promise.all(
    (await runsOf(id)).map(async (run) => {
      const lines = await readInput(api.world.objects, run, 0, run.counts.total);
      return lines.map(({ image }) => image);
    }),
  );
}

describe("a schedule with an upload prefix", () => {
  it("edits in each run the uploads completed since the previous run, and skips a run without any", async () => {
    await named("shop/before.png");
    const id = await schedule();
    await tick(id);
    expect(await runsOf(id)).toEqual([]);
    const [one, two] = [await named("shop/one.png"), await named("shop/two.png")];
    await named("garden/rose.png");
    await api.upload(call, bytes);
    await tick(id);
    expect(await linesOf(id)).toEqual([[one, two]]);
    await named("garden/tulip.png");
    await tick(id);
    const pending = await call("POST", "/v1/uploads", {
      content_type: "image/png",
      bytes: bytes.length,
      name: "shop/pending.png",
    });
    await tick(id);
    expect(await linesOf(id)).toHaveLength(1);
    await call("POST", `/v1/batches/${id}/pause`);
    const three = await named("shop/one.png");
    await postForm(pending.body, bytes);
    await call("POST", `/v1/uploads/${pending.body.id}/complete`);
    await call("POST", `/v1/uploads/${pending.body.id}/complete`);
    await call("POST", `/v1/batches/${id}/resume`);
    await tick(id);
    expect((await linesOf(id)).sort((a, b) => a.indexOf(one) - b.indexOf(one))).toEqual(
      expect.arrayContaining([
        [one, two],
        [three, pending.body.id],
      ]),
    );
    const [run] = await runsOf(id);
    const lines = await readInput(api.world.objects, run!, 0, 2);
    expect(lines[0]?.custom_id).toMatch(/^shop\//);
  });

  it("edits each upload exactly once while uploads complete and runs overlap and are retried", async () => {
    const id = await schedule({ upload_prefix: "race/" });
    const other = await schedule({ upload_prefix: "" });
    const uploads: string[] = [];
    const uploading = (async () => {
      for (let round = 0; round < 4; round++) {
        const made = await Promise.all(Array.from({ length: 6 }, (_, n) => named(`race/${round}-${n}.png`)));
        uploads.push(...made);
      }
    })();
    let isOver = false;
    void uploading.finally(() => {
      isOver = true;
    });
    while (!isOver) await tick(id);
    await uploading;
    await tick(id);
    await tick(other);
    const lines = (await linesOf(id)).flat();
    expect(lines).toHaveLength(24);
    expect([...lines].sort()).toEqual([...uploads].sort());
    expect((await runsOf(id)).length).toBeGreaterThan(1);
    // Another schedule has its own position.
    expect((await linesOf(other)).flat().sort()).toEqual([...uploads].sort());
  });

  it("without a schedule, edits all existing uploads", async () => {
    const [one, two] = [await named("once/1.png"), await named("once/2.png")];
    const data = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
    const three = await call("POST", "/v1/uploads/download", { url: data, name: "once/3.png" });
    expect([three.status, three.body.name]).toEqual([201, "once/3.png"]);
    await call("DELETE", `/v1/uploads/${two}`);
    const { body } = await call("POST", "/v1/batches", { instruction, upload_prefix: "once/" });
    await named("once/later.png");
    await advanceBatch(ports(), call.account, body.id);
    const row = await api.world.table.get(rowKeys.resource(call.account, body.id));
    const batch = parseRow(storedBatchSchema, row!).data;
    expect(batch.status).toBe("running");
    const lines = await readInput(api.world.objects, batch, 0, batch.counts.total);
    expect(lines).toEqual([
      { image: one, custom_id: "once/1.png" },
      { image: three.body.id, custom_id: "once/3.png" },
    ]);
  });

  it("reaches no upload of another account, and accepts only plain characters in names", async () => {
    const stranger = await api.caller();
    const own = await learned(stranger);
    const { body } = await stranger("POST", "/v1/batches", { instruction: own, upload_prefix: "" });
    await advanceBatch(ports(), stranger.account, body.id);
    expect((await stranger("GET", `/v1/batches/${body.id}`)).body).toMatchObject({
      status: "failed",
      error: { code: "empty_batch" },
    });
    for (const name of ["", "a\u0000", "x".repeat(201), "ü", "a#b"])
      expect((await call("POST", "/v1/uploads", { content_type: "image/png", bytes: 9, name })).status).toBe(
        422,
      );
    const both = { instruction, upload_prefix: "a", prefix: "a" };
    expect((await call("POST", "/v1/batches", both)).status).toBe(422);
  });
});

describe("the number of schedules", () => {
  const open = async () => (await api.world.table.get(rowKeys.totals(call.account)))?.data.schedules;

  it("has an exact limit for each account, and a schedule that ends frees its place", async () => {
    const before = Number(await open());
    const fill = maxSchedules - before - 3;
    await api.world.table.amend(rowKeys.totals(call.account), { add: [[["schedules"], fill]] }, []);
    const create = (cron = "0 3 * * *") =>
      call("POST", "/v1/batches", { instruction, upload_prefix: "x", schedule: { cron } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => create()));
    const made = answers.filter(({ status }) => status === 202).map(({ body }) => body.id);
    expect(made).toHaveLength(3);
    const refused = answers.find(({ status }) => status !== 202);
    expect([refused?.status, refused?.body.code, refused?.body.detail]).toEqual([
      422,
      "too_many_schedules",
      "The account has 100 schedules, the limit; cancel one that is no longer needed.",
    ]);
    // A batch that runs now is not a schedule.
    expect((await call("POST", "/v1/batches", { instruction, upload_prefix: "x" })).status).toBe(202);
    await Promise.all([1, 2, 3].map(() => call("POST", `/v1/batches/${made[0]}/cancel`)));
    expect(await open()).toBe(maxSchedules - 1);
    await call("POST", `/v1/batches/${made[1]}/pause`);
    expect(await open()).toBe(maxSchedules - 1);
    await Promise.all([1, 2].map(() => call("DELETE", `/v1/batches/${made[1]}`)));
    expect(await open()).toBe(maxSchedules - 2);
    await call("DELETE", `/v1/batches/${made[0]}`);
    expect(await open()).toBe(maxSchedules - 2);
    // One that runs once ends with its run.
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const once = { instruction, images: [await named("once/at.png")], schedule: { at } };
    const { body } = await call("POST", "/v1/batches", once);
    expect(await open()).toBe(maxSchedules - 1);
    await updateRow(api.world.table, rowKeys.resource(call.account, body.id), storedBatchSchema, (batch) => {
      const { schedule: _, ...request } = batch.request;
      return { data: { ...batch, request: { ...request, schedule: { at: toIso(0) } } } };
    });
    await tick(body.id);
    expect((await call("GET", `/v1/batches/${body.id}`)).body.status).toBe("succeeded");
    expect(await runsOf(body.id)).toHaveLength(1);
    expect(await open()).toBe(maxSchedules - 2);
  });

  it("and names of uploads are gone after the account's erasure", async () => {
    const { pk } = rowKeys.namedUpload(call.account, 0);
    expect((await api.world.table.query(pk, { limit: 5 })).length).toBe(5);
    await eraseAccount(api.world, call.account);
    expect(await api.world.table.query(pk, { limit: 5 })).toEqual([]);
    expect(await api.world.table.get(rowKeys.totals(call.account))).toBeUndefined();
  });
});
