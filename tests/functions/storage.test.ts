import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { advanceBatch } from "../../functions/batches/advance-batch.ts";
import { sweepKind } from "../../functions/sweep/sweep.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { maxResultBytes } from "../../shared/result-size.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemRandom as random, systemClock } from "../../shared/system-clock.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller, postForm } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let bytes: Uint8Array;
let size: number;
/** Bytes reserved for an edit of one image. */
let most: number;
beforeAll(async () => {
  api = await Api.open();
  bytes = await picture();
  size = bytes.length;
  most = maxResultBytes({}, { content_type: "image/png", width: 32, height: 32 });
});
afterAll(() => api?.stop());

/** An account that may store so many bytes. */
async function caller(limit: number): Promise<Caller> {
  const call = await api.caller();
  const set = [[["storage_bytes"], limit] as const];
  await api.world.table.amend({ pk: call.account, sk: "account" }, { set }, []);
  return call;
}
const stored = async (call: Caller): Promise<number> => (await call("GET", "/v1/account")).body.stored_bytes;

function sweeper(ahead = 0) {
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const table = new DynamoTable(api.world.clients.dynamo, api.world.standIns.table, clock);
  const { objects, webhooks, queues } = api.world;
  const log = { info: () => undefined, error: () => undefined };
  const jobs = new JobStore({ ...api.world, table, clock });
  const ledger = new Ledger(table, clock);
  return { table, objects, webhooks, queues, clock, random, log, jobs, meter: undefined, ledger };
}

async function form(call: Caller): Promise<string> {
  const { status, body } = await call("POST", "/v1/uploads", { content_type: "image/png", bytes: size });
  expect(status).toBe(201);
  await postForm(body, bytes);
  return body.id;
}

/** An edit that has ended with one result of so many bytes. */
async function edited(call: Caller, image: string, resultBytes: number): Promise<string> {
  const { status, body } = await call("POST", "/v1/edits", { text: "sepia", images: [image] });
  expect(status).toBe(202);
  await end(call, body.id, image, resultBytes);
  return body.id;
}
async function end(call: Caller, id: string, image: string, resultBytes: number): Promise<void> {
  const ports = sweeper();
  const key = objectKeys.result(call.account, id, 0, 0, "png");
  await ports.objects.put(key, new Uint8Array(resultBytes), "image/png");
  const results = [{ input: image, key, width: 8, height: 8, bytes: resultBytes }];
  const end = () => endJob(ports, call.account, id, { status: "succeeded", results });
  // Reported twice, as after a lost response.
  await Promise.all([end(), end()]);
}

describe("an account's storage", () => {
  it("is filled by uploads exactly, however many are completed at once, and emptied by deletion once", async () => {
    const call = await caller(3 * size + 10);
    const forms = await Promise.all(Array.from({ length: 6 }, () => form(call)));
    const complete = (id: string) => call("POST", `/v1/uploads/${id}/complete`);
    // Each is requested twice.
    const answers = await Promise.all([...forms, ...forms].map(complete));
    const ready = new Set(answers.flatMap(({ status, body }) => (status === 200 ? [body.id] : [])));
    expect(ready.size).toBe(3);
    expect(await stored(call)).toBe(3 * size);
    const refused = answers.find(({ status }) => status !== 200);
    expect([refused?.status, refused?.body.code, refused?.body.detail]).toEqual([
      422,
      "storage_full",
      `The account stores ${3 * size} bytes, including those reserved for open edits, and ${size} more would exceed its limit of ${3 * size + 10}; delete uploads or results, or wait for open edits to end.`,
    ]);
    const { objects } = api.world;
    for (const id of forms)
      expect(await objects.size(objectKeys.input(call.account, id))).toBe(ready.has(id) ? size : undefined);
    const another = await call("POST", "/v1/uploads", { content_type: "image/png", bytes: size });
    expect(another.body.code).toBe("storage_full");
    const data = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
    expect((await call("POST", "/v1/uploads/download", { url: data })).body.code).toBe("storage_full");
    const [first] = ready;
    const deleted = await Promise.all([1, 2, 3].map(() => call("DELETE", `/v1/uploads/${first}`)));
    expect(deleted.map(({ status }) => status)).toContain(204);
    expect(await stored(call)).toBe(2 * size);
    const waiting = forms.find((id) => !ready.has(id));
    expect((await complete(waiting!)).status).toBe(200);
    expect(await stored(call)).toBe(3 * size);
    expect((await call("GET", "/v1/account")).body).toMatchObject({
      storage_limit: 3 * size + 10,
      schedules: 0,
    });
  });

  it("is filled by downloads exactly, however many are made at once, and keeps no file of a refused one", async () => {
    const call = await caller(2 * size);
    const url = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => call("POST", "/v1/uploads/download", { url })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 422, 422, 422, 422]);
    expect(await stored(call)).toBe(2 * size);
    const made = answers.flatMap(({ status, body }) =>
      status === 201 ? [objectKeys.input(call.account, body.id)] : [],
    );
    const files = await api.world.objects.list(objectKeys.input(call.account, ""), 10);
    expect(files.map(({ key }) => key)).toEqual(made.sort());
  });

  it("is exact when uploads are deleted while they are completed", async () => {
    const call = await caller(100 * size);
    const forms = await Promise.all(Array.from({ length: 12 }, () => form(call)));
    await Promise.all(
      forms.flatMap((id) => [
        call("POST", `/v1/uploads/${id}/complete`),
        call("DELETE", `/v1/uploads/${id}`),
        call("POST", `/v1/uploads/${id}/complete`),
        call("DELETE", `/v1/uploads/${id}`),
      ]),
    );
    const rows = await api.world.table.query(call.account, { prefix: "upl#", limit: 100 });
    const ready = rows.filter(({ data }) => data.status === "ready");
    expect(await stored(call)).toBe(ready.length * size);
    for (const { data } of ready) await call("DELETE", `/v1/uploads/${data.id}`);
    expect(await stored(call)).toBe(0);
  });

  it("is never exceeded by open edits, however many are created at once, and released once when they end", async () => {
    const call = await caller(size + 2 * most + 10);
    const image = await api.upload(call, bytes);
    const create = () => call("POST", "/v1/edits", { text: "sepia", images: [image] });
    const answers = await Promise.all(Array.from({ length: 8 }, create));
    const open = answers.flatMap(({ status, body }) => (status === 202 ? [body.id as string] : []));
    expect(open).toHaveLength(2);
    const codes = answers.flatMap(({ body }) => body.code ?? []);
    expect(codes).toEqual(Array(6).fill("storage_full"));
    expect(await stored(call)).toBe(size + 2 * most);
    await end(call, open[0]!, image, most - 16);
    expect(await stored(call)).toBe(size + 2 * most - 16);
    expect((await create()).body.code).toBe("storage_full");
    await Promise.all([1, 2].map(() => call("POST", `/v1/edits/${open[1]}/cancel`)));
    expect(await stored(call)).toBe(size + most - 16);
    const again = await Promise.all([1, 2, 3].map(create));
    expect(again.map(({ status }) => status).sort()).toEqual([202, 422, 422]);
  });

  it("counts results once, and has room again after deletion or expiry", async () => {
    const call = await caller(size + most + 1000);
    const image = await api.upload(call, bytes);
    const edit = await edited(call, image, 2000);
    expect(await stored(call)).toBe(size + 2000);
    const full = await call("POST", "/v1/edits", { text: "sepia", images: [image] });
    expect([full.status, full.body.code]).toEqual([422, "storage_full"]);
    await Promise.all([1, 2].map(() => call("DELETE", `/v1/edits/${edit}`)));
    expect(await stored(call)).toBe(size);
    const second = await edited(call, image, 300);
    expect(await stored(call)).toBe(size + 300);
    const week = sweeper(8 * 24 * 3_600_000);
    await sweepKind(week, "edt");
    await sweepKind(week, "edt");
    expect((await call("GET", `/v1/edits/${second}`)).body.expired).toBe(true);
    expect(await stored(call)).toBe(size);
    await call("DELETE", `/v1/edits/${second}`);
    expect(await stored(call)).toBe(size);
  });

  it("has room again when an upload expires, and the upload is gone from its expiry on", async () => {
    const call = await caller(10 * size);
    const id = await api.upload(call, bytes);
    const month = sweeper(30 * 24 * 3_600_000 + 1000);
    const app = createApp({ ...api.ports, clock: month.clock, table: month.table });
    const headers = { Authorization: `Bearer ${call.secret}` };
    expect((await app.request(`/v1/uploads/${id}`, { headers })).status).toBe(404);
    expect(await stored(call)).toBe(size);
    await Promise.all([sweepKind(month, "upl"), sweepKind(month, "upl")]);
    expect(await stored(call)).toBe(0);
    expect(await api.world.objects.size(objectKeys.input(call.account, id))).toBeUndefined();
    expect(await api.world.table.get(rowKeys.resource(call.account, id))).toBeUndefined();
  });

  it("has room for as many lines of a batch as fit; lines fail when nothing is left to wait for", async () => {
    const call = await caller(size + 2 * most + 1000);
    const { image, batch, advance } = await batchOf(call, 4);
    const open = async (): Promise<string[]> =>
      (await call("GET", `/v1/edits?batch=${batch}&status=queued`)).body.data.map(
        ({ id }: { id: string }) => id,
      );
    await advance(4);
    expect(await open()).toHaveLength(2);
    expect(await stored(call)).toBe(size + 2 * most);
    for (const id of await open()) await end(call, id, image, 600);
    await advance(4);
    // 1,200 bytes are stored: one line fits, the other waits.
    const [third, ...others] = await open();
    expect(others).toEqual([]);
    expect(await stored(call)).toBe(size + 1200 + most);
    await end(call, third!, image, most);
    expect(await advance(6)).toMatchObject({ status: "succeeded", counts: { succeeded: 3, failed: 1 } });
    const authorized = { headers: { Authorization: `Bearer ${call.secret}` } };
    const errors = await (await api.app.request(`/v1/batches/${batch}/errors`, authorized)).text();
    expect(errors.match(/"storage_full"/g)).toHaveLength(1);
    expect(await stored(call)).toBe(size + 1200 + most);
    await call("DELETE", `/v1/batches/${batch}`);
    await advance(1);
    expect(await stored(call)).toBe(size);
  });

  it("is released by a batch that is canceled before its lines are computed", async () => {
    const call = await caller(100 * most);
    const { batch, advance } = await batchOf(call, 3);
    await advance(2);
    expect(await stored(call)).toBe(size + 3 * most);
    await call("POST", `/v1/batches/${batch}/cancel`);
    expect((await advance(3)).status).toBe("canceled");
    expect(await stored(call)).toBe(size);
  });
});

/** A batch of `lines` edits of one image with an instruction. */
async function batchOf(call: Caller, lines: number) {
  const ports = sweeper();
  const image = await api.upload(call, bytes);
  const pairs = [{ before: image, after: image }];
  const { body: learning } = await call("POST", "/v1/instructions", { pairs });
  await endJob(ports, call.account, learning.id, { status: "succeeded" });
  const wish = { instruction: learning.id, images: Array(lines).fill(image) };
  const batch: string = (await call("POST", "/v1/batches", wish)).body.id;
  const advance = async (passes: number) => {
    for (let pass = 0; pass < passes; pass++) await advanceBatch(ports, call.account, batch);
    return (await call("GET", `/v1/batches/${batch}`)).body;
  };
  return { image, batch, advance };
}
