import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { advanceBatch } from "../../functions/batches/advance-batch.ts";
import { sweepKind } from "../../functions/sweep/sweep.ts";
import { eraseAccount } from "../../shared/erasure/erase-account.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock, systemRandom } from "../../shared/system-clock.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
const secret = "only the caller knows this";
beforeAll(async () => {
  api = await Api.open();
});
afterAll(() => api?.stop());

const ports = () => ({
  table: api.world.table,
  objects: api.world.objects,
  clock: systemClock,
  random: systemRandom,
  jobs: new JobStore({ ...api.world, clock: systemClock }),
  ledger: new Ledger(api.world.table, systemClock),
  log: api.ports.log,
  meter: undefined,
  webhooks: api.world.webhooks,
});

/** All rows of the table as text, independent of keys, indexes and filters. */
async function everyRow(): Promise<readonly string[]> {
  const { Items = [] } = await api.world.clients.dynamo.send(
    new ScanCommand({ TableName: api.world.standIns.table, ConsistentRead: true }),
  );
  return Items.map((item) => JSON.stringify(item));
}
const rowsWith = async (text: string) => (await everyRow()).filter((row) => row.includes(text));
const objectsOf = async (prefix: string) => (await api.world.objects.list(prefix, 100)).map(({ key }) => key);

/** An edit that ended with a result. */
async function endedEdit(caller: Caller, id: string): Promise<string> {
  const key = objectKeys.result(caller.account, id, 0, 0, "png");
  await api.world.objects.put(key, await picture(), "image/png");
  const results = [{ input: "upl_00000000000000000000000000", key, width: 8, height: 8 }];
  await endJob(ports(), caller.account, id, { status: "succeeded", results });
  return key;
}

async function learned(caller: Caller, image: string): Promise<string> {
  const { body } = await caller("POST", "/v1/instructions", { pairs: [{ before: image, after: image }] });
  await endJob(ports(), caller.account, body.id, { status: "succeeded" });
  return body.id;
}

it("deleting an upload deletes its files, and later jobs that name it are refused", async () => {
  const [caller, other] = [await api.caller(), await api.caller()];
  const image = await api.upload(caller, await picture());
  const normalized = objectKeys.normalized(caller.account, image);
  await api.world.objects.put(normalized, await picture(), "image/png");
  expect((await other("DELETE", `/v1/uploads/${image}`)).status).toBe(404);
  expect((await caller("DELETE", `/v1/uploads/${image}`)).status).toBe(204);
  expect(await objectsOf(`inputs/${caller.account}/`)).toEqual([]);
  expect(await objectsOf(normalized)).toEqual([]);
  expect((await caller("GET", `/v1/uploads/${image}`)).status).toBe(404);
  expect((await caller("POST", "/v1/edits", { text: "x", images: [image] })).body.code).toBe("not_found");
});

it("deleting an edit deletes its results, events and the deliveries that contain its metadata", async () => {
  const caller = await api.caller();
  await caller("POST", "/v1/webhooks", { url: "https://example.com/hook" });
  const image = await api.upload(caller, await picture());
  const made = [];
  for (const note of [secret, "another"]) {
    const body = { text: "x", images: [image], metadata: { note } };
    const { body: edit } = await caller("POST", "/v1/edits", body);
    made.push({ id: edit.id, key: await endedEdit(caller, edit.id) });
  }
  const [gone, stays] = made;
  expect((await rowsWith(secret)).length).toBeGreaterThanOrEqual(2);
  expect((await caller("DELETE", `/v1/edits/${gone!.id}`)).status).toBe(204);
  expect(await rowsWith(secret)).toEqual([]);
  // Only the charge names it, and the row with which the sweeper deletes late results.
  expect((await rowsWith(gone!.id)).every((row) => /ledger#|"sk":"del#/.test(row))).toBe(true);
  expect(await objectsOf(`results/${caller.account}/`)).toEqual([stays!.key]);
  expect((await caller("GET", "/v1/webhooks/deliveries")).body.data).toHaveLength(1);
});

it("deleting a batch deletes its lines, edits, results, files and deliveries, a few per sweep", async () => {
  const caller = await api.caller(100_000_000);
  await caller("POST", "/v1/webhooks", { url: "https://example.com/hook" });
  const image = await api.upload(caller, await picture());
  const instruction = await learned(caller, image);
  const body = { instruction, images: Array(230).fill(image), metadata: { note: secret } };
  const { id } = (await caller("POST", "/v1/batches", body)).body;
  const look = () => advanceBatch(ports(), caller.account, id);
  for (let looks = 0; looks < 3; looks++) await look();
  expect((await caller("DELETE", `/v1/batches/${id}`)).body.code).toBe("not_ready");
  const edits: string[] = (await caller("GET", `/v1/edits?limit=100&batch=${id}`)).body.data.map(
    (edit: { id: string }) => edit.id,
  );
  await endedEdit(caller, edits[0]!);
  await caller("POST", `/v1/batches/${id}/cancel`);
  for (let looks = 0; looks < 3; looks++) await look();
  expect((await caller("GET", `/v1/batches/${id}`)).body.status).toBe("canceled");
  expect((await caller("DELETE", `/v1/batches/${id}`)).status).toBe(204);
  for (const path of ["", "/output", "/errors"])
    expect((await caller("GET", `/v1/batches/${id}${path}`)).status).toBe(404);
  expect((await caller("GET", "/v1/batches")).body.data).toEqual([]);
  await look();
  expect((await rowsWith(id)).length).toBeGreaterThan(0);
  for (let looks = 0; looks < 3; looks++) await look();
  expect((await rowsWith(id)).every((row) => row.includes("ledger#"))).toBe(true);
  expect(await rowsWith(secret)).toEqual([]);
  for (const folder of ["batches", "results"])
    expect(await objectsOf(`${folder}/${caller.account}/`)).toEqual([]);
  expect((await caller("GET", `/v1/edits?batch=${id}`)).body.data).toEqual([]);
  expect(await ports().ledger.balance(caller.account)).toMatchObject({ reserved: 0, open: { bulk: 0 } });
});

it("closing an account disables its keys at once, and the sweeper erases it twice", async () => {
  const [caller, other] = [await api.caller(), await api.caller()];
  const image = await api.upload(caller, await picture());
  const { body: edit } = await caller("POST", "/v1/edits", {
    text: "x",
    images: [image],
    metadata: { note: secret },
  });
  const { body: account } = await caller("GET", "/v1/account");
  expect(account).toMatchObject({ id: caller.account, reserved: edit.cost });
  expect((await caller("DELETE", "/v1/account")).status).toBe(422);
  expect((await caller("DELETE", `/v1/account?confirm=${other.account}`)).status).toBe(422);
  expect((await caller("DELETE", `/v1/account?confirm=${caller.account}`)).status).toBe(202);
  expect((await caller("GET", "/v1/account")).status).toBe(401);
  expect((await other("GET", "/v1/account")).status).toBe(200);
  await sweepKind(ports(), "era");
  expect(await rowsWith(secret)).toEqual([]);
  expect(await objectsOf(`inputs/${caller.account}/`)).toEqual([]);
  // A worker that has not noticed the deletion.
  const late = objectKeys.result(caller.account, edit.id, 0, 0, "png");
  await api.world.objects.put(late, await picture(), "image/png");
  await sweepKind(ports(), "era");
  expect(await objectsOf(`results/${caller.account}/`)).toEqual([late]);
  const later = { ...systemClock, now: () => Date.now() + 20 * 60_000 };
  await sweepKind({ ...ports(), clock: later }, "era");
  expect(await objectsOf(`results/${caller.account}/`)).toEqual([]);
  expect(await rowsWith(`erasure#${caller.account}`)).toEqual([]);
});

it("erasing an account keeps only the sums of its ledger, and its keys stop working", async () => {
  const caller = await api.caller();
  const stays = await api.caller();
  const image = await api.upload(caller, await picture());
  const drop = objectKeys.drop(caller.account, "a.png");
  await api.world.objects.put(drop, await picture(), "image/png");
  await api.world.objects.put(objectKeys.normalized(caller.account, image), await picture(), "image/png");
  await caller("POST", "/v1/webhooks", { url: "https://example.com/hook" });
  await caller("POST", "/v1/keys", { name: secret });
  await learned(caller, image);
  const body = { text: "x", images: [image], metadata: { note: secret } };
  const { body: edit } = await caller("POST", "/v1/edits", body, { "Idempotency-Key": "once" });
  await endedEdit(caller, edit.id);
  for (let times = 0; times < 2; times++) await eraseAccount(ports(), caller.account);
  const rows = await rowsWith(caller.account);
  const kept = rows.filter(
    (row) => /"pk":"(ledger#)?acc_\w+"/.test(row) && /ledger#|"sk":"balance"/.test(row),
  );
  // Counters of requests and of a day's uploads expire.
  expect(rows.filter((row) => !kept.includes(row) && !/rate#|quota#/.test(row))).toEqual([]);
  expect(kept.length).toBeGreaterThanOrEqual(2);
  expect(await rowsWith(secret)).toEqual([]);
  for (const folder of ["uploads", "inputs", "normalized", "instructions", "results", "drops", "batches"])
    expect(await objectsOf(`${folder}/${caller.account}/`)).toEqual([]);
  // Another process, which has not seen the key in the last five seconds.
  const answer = await createApp(api.ports).request("/v1/usage", {
    headers: { Authorization: `Bearer ${caller.secret}` },
  });
  expect(answer.status).toBe(401);
  expect((await stays("GET", "/v1/usage")).status).toBe(200);
  expect(await api.world.table.get(rowKeys.balance(caller.account))).toBeDefined();
});

it("every temporary row has an expiry time", async () => {
  const caller = await api.caller();
  await caller("POST", "/v1/webhooks", { url: "https://example.com/hook" });
  const image = await api.upload(caller, await picture());
  const { body: edit } = await caller("POST", "/v1/edits", { text: "x", images: [image] });
  await endedEdit(caller, edit.id);
  await caller("POST", "/v1/uploads", { content_type: "image/png", bytes: 9 });
  const rows = await api.world.table.query(caller.account, { limit: 100 });
  const lasting = rows.filter(({ expires }) => expires === undefined).map(({ sk }) => sk.split("#", 1)[0]);
  expect(new Set(lasting)).toEqual(new Set(["account", "balance", "key", "totals", "whk"]));
});
