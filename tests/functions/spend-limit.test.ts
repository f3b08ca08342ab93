import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { advanceBatch } from "../../functions/batches/advance-batch.ts";
import { settle } from "../../functions/settlement/settle.ts";
import { eraseAccount } from "../../shared/erasure/erase-account.ts";
import type { Job } from "../../shared/jobs/job.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock as clock } from "../../shared/system-clock.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

/** Cost of an edit of a small photo. */
const cost = 1000;
let api: Api;
let owner: Caller;
let image: string;
beforeAll(async () => {
  api = await Api.open();
  owner = await api.caller(1_000_000);
  image = await api.upload(owner, await picture());
});
afterAll(() => api?.stop());

const month = () => new Date().toISOString().slice(0, 7);
const edit = () => ({ text: "sepia", images: [image] });
const ports = () => ({
  jobs: new JobStore({ ...api.world, clock }),
  ledger: new Ledger(api.world.table, clock),
  clock,
  table: api.world.table,
  objects: api.world.objects,
});

async function limitedKey(monthly_limit: number) {
  const { status, body } = await owner("POST", "/v1/keys", { monthly_limit });
  expect([status, body.monthly_limit]).toEqual([201, monthly_limit]);
  return { id: body.id as string, call: api.as(owner.account, body.secret) };
}
const spendingOf = async (id: string) => (await owner("GET", `/v1/keys/${id}`)).body.spending;

/** Ends a job with one result and charges it. */
async function finish(id: string, status: Job["status"] = "succeeded") {
  const key = objectKeys.result(owner.account, id, 0, 0, "png");
  const results = status === "succeeded" ? [{ input: image, key, width: 8, height: 8 }] : [];
  await endJob(ports(), owner.account, id, { status, results });
}

describe("a key's monthly limit", () => {
  it("is shown with the amounts spent, reserved and remaining", async () => {
    const { id, call } = await limitedKey(10 * cost);
    const spending = (charged: number, reserved: number) => ({
      month: month(),
      charged,
      reserved,
      remaining: 10 * cost - charged - reserved,
    });
    expect(await spendingOf(id)).toEqual(spending(0, 0));
    const edits = [await call("POST", "/v1/edits", edit()), await call("POST", "/v1/edits", edit())];
    expect(await spendingOf(id)).toEqual(spending(0, 2 * cost));
    await finish(edits[0]?.body.id);
    expect(await spendingOf(id)).toEqual(spending(cost, cost));
    await finish(edits[1]?.body.id, "failed");
    expect(await spendingOf(id)).toEqual(spending(cost, 0));
    const listed = (await owner("GET", "/v1/keys")).body.data;
    expect(listed.find((key: { id: string }) => key.id === id).spending).toEqual(spending(cost, 0));
    expect(listed.filter((key: { spending?: object }) => key.spending)).toHaveLength(1);
    // Another key of the account is not limited, and is not counted.
    expect((await owner("POST", "/v1/edits", edit())).status).toBe(202);
    expect(await spendingOf(id)).toEqual(spending(cost, 0));
  });

  it("refuses a request that exceeds it, with its own error code, and reserves nothing", async () => {
    const { id, call } = await limitedKey(2 * cost + 500);
    const before = (await owner("GET", "/v1/account")).body.reserved;
    for (let count = 0; count < 2; count++)
      expect((await call("POST", "/v1/edits", edit())).status).toBe(202);
    const headers = { "Idempotency-Key": "beyond" };
    const { status, body } = await call("POST", "/v1/edits", edit(), headers);
    expect([status, body.code, body.detail]).toEqual([
      402,
      "spend_limit_reached",
      `The request requires 1000 credits, but the API key has 500 left of its limit of 2500 for ${month()}; use another key or wait for the next month.`,
    ]);
    const quote = await call("POST", "/v1/edits", edit(), { Prefer: "dry-run" });
    expect(quote.body).toMatchObject({ cost, covered: false });
    expect((await owner("GET", "/v1/account")).body.reserved).toBe(before + 2 * cost);
    const open = (await owner("GET", "/v1/edits?limit=2")).body.data;
    for (const { id: edit } of open) await call("POST", `/v1/edits/${edit}/cancel`);
    expect(await spendingOf(id)).toMatchObject({ charged: 0, reserved: 0 });
    // The refusal is not replayed once there is room.
    expect((await call("POST", "/v1/edits", edit(), headers)).status).toBe(202);
  });

  it("is exact when requests race, even if jobs end at the same time", async () => {
    const { id, call } = await limitedKey(5 * cost);
    const first = await Promise.all(Array.from({ length: 20 }, () => call("POST", "/v1/edits", edit())));
    const accepted = first.filter(({ status }) => status === 202).map(({ body }) => body.id);
    expect(accepted).toHaveLength(5);
    for (const { status, body } of first)
      if (status !== 202) expect([status, body.code]).toEqual([402, "spend_limit_reached"]);
    // Three jobs end, of which two are charged, each reported twice, while other requests are made.
    const [second] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => call("POST", "/v1/edits", edit()))),
      ...accepted.slice(0, 2).flatMap((edit) => [finish(edit), settle(ports(), owner.account, edit)]),
      finish(accepted[2], "failed"),
    ]);
    const more = second.filter(({ status }) => status === 202).length;
    expect(more).toBeLessThanOrEqual(1);
    for (const edit of accepted.slice(0, 3)) await settle(ports(), owner.account, edit);
    expect(await spendingOf(id)).toEqual({
      month: month(),
      charged: 2 * cost,
      reserved: (2 + more) * cost,
      remaining: (1 - more) * cost,
    });
  });

  it("starts again each month, and counts a job in the month of its creation", async () => {
    const { id, call } = await limitedKey(cost);
    const { body: job } = await call("POST", "/v1/edits", edit());
    expect((await call("POST", "/v1/edits", edit())).status).toBe(402);
    const now = Date.now() + 32 * 24 * 3_600_000;
    const set = [[["expires_at"], new Date(now + 60_000).toISOString()] as const];
    await api.world.table.amend(rowKeys.resource(owner.account, image), { set }, []);
    const later = { ...clock, now: () => now };
    const app = createApp({ ...api.ports, clock: later });
    const ask = async (secret: string, method: string, path: string, body?: object) => {
      const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
      const text = body && JSON.stringify(body);
      const answer = await app.request(path, { method, headers, ...(text ? { body: text } : {}) });
      return { status: answer.status, body: (await answer.json()) as { spending: object } };
    };
    expect((await ask(call.secret, "POST", "/v1/edits", edit())).status).toBe(202);
    expect((await ask(call.secret, "POST", "/v1/edits", edit())).status).toBe(402);
    await finish(job.id);
    expect(await spendingOf(id)).toMatchObject({ charged: cost, reserved: 0 });
    expect((await ask(owner.secret, "GET", `/v1/keys/${id}`)).body.spending).toMatchObject({
      month: new Date(now).toISOString().slice(0, 7),
      charged: 0,
      reserved: cost,
    });
  });

  it("cannot be bypassed with another key, or read or used by another account", async () => {
    const refused = await owner("POST", "/v1/keys", { monthly_limit: 1, scopes: ["read", "write", "keys"] });
    expect([refused.status, refused.body.detail]).toEqual([
      422,
      '/monthly_limit: cannot be combined with the scope "keys", which can create keys without a limit',
    ]);
    const { id, call } = await limitedKey(0);
    expect((await call("POST", "/v1/keys", {})).body.code).toBe("missing_scope");
    expect((await call("GET", `/v1/keys/${id}`)).body.code).toBe("missing_scope");
    expect((await (await api.caller())("GET", `/v1/keys/${id}`)).status).toBe(404);
    expect((await call("POST", "/v1/edits", edit())).body.code).toBe("spend_limit_reached");
    for (const monthly_limit of [-1, 1.5, 1e13, "1", null])
      expect((await owner("POST", "/v1/keys", { monthly_limit })).status).toBe(422);
  });

  it("applies to the lines of a batch, which return the reason", async () => {
    const { ledger, table } = ports();
    const { body: learning } = await owner("POST", "/v1/instructions", {
      pairs: [{ before: image, after: image }],
    });
    await endJob(ports(), owner.account, learning.id, { status: "succeeded" });
    const { id, call } = await limitedKey(3 * cost);
    const request = { instruction: learning.id, images: Array(5).fill(image) };
    const { status, body } = await call("POST", "/v1/batches", request);
    expect(status).toBe(202);
    const advance = async (times: number) => {
      for (let pass = 0; pass < times; pass++) await advanceBatch(ports(), owner.account, body.id);
    };
    await advance(2);
    expect(await spendingOf(id)).toMatchObject({ reserved: 3 * cost, remaining: 0 });
    const { data } = (await owner("GET", `/v1/edits?batch=${body.id}`)).body;
    expect(data).toHaveLength(3);
    // The account's balance would have covered them.
    expect((await ledger.balance(owner.account))?.available).toBeGreaterThan(10 * cost);
    await finish(data[0].id);
    await finish(data[1].id);
    await finish(data[2].id, "failed");
    await advance(3);
    const ended = (await call("GET", `/v1/batches/${body.id}`)).body;
    expect([ended.status, ended.counts]).toEqual([
      "succeeded",
      { total: 5, succeeded: 2, failed: 3, canceled: 0 },
    ]);
    const authorized = { headers: { Authorization: `Bearer ${call.secret}` } };
    const errors = await (await api.app.request(`/v1/batches/${body.id}/errors`, authorized)).text();
    expect(errors.match(/"spend_limit_reached"/g)).toHaveLength(2);
    expect(await spendingOf(id)).toEqual({
      month: month(),
      charged: 2 * cost,
      reserved: 0,
      remaining: cost,
    });
    expect(await table.get(rowKeys.spending(owner.account, `${id}#${month()}`))).toBeDefined();
  });

  it("is erased with its account", async () => {
    const { table } = ports();
    const { pk } = rowKeys.spending(owner.account, "");
    expect((await table.query(pk, { limit: 10 })).length).toBeGreaterThan(0);
    await eraseAccount(api.world, owner.account);
    expect(await table.query(pk, { limit: 10 })).toEqual([]);
  });
});
