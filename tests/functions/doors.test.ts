import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../shared/ids.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys } from "../../shared/rows.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./pictures.ts";

let api: Api;
let call: Caller;
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
});
afterAll(() => api?.stop());

describe("the API's door", () => {
  it("answers every error as a problem with a stable code and a request id", async () => {
    const answers = [
      await call("GET", "/nowhere"),
      await call("GET", "/v1/nowhere"),
      await call("POST", "/v1/uploads", "{not json"),
      await call("POST", "/v1/uploads", {}),
      await call("GET", "/v1/edits/edt_../../x"),
      await call("GET", "/v1/edits?limit=1e9"),
      await call("PUT", "/v1/edits", {}),
    ];
    for (const { headers, body } of answers) {
      expect(headers.get("content-type")).toBe("application/problem+json");
      expect(body).toMatchObject({
        code: expect.any(String),
        title: expect.any(String),
        status: expect.any(Number),
      });
      expect(body.request_id).toBe(headers.get("request-id"));
    }
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 400, 422, 422, 422, 404]);
    expect(api.errors).toEqual([]);
  });

  it("opens to no key, a made-up key, a mistyped key or a revoked one", async () => {
    const { body: made } = await call("POST", "/v1/keys", { name: "short-lived" });
    const other = api.as(call.account, made.secret);
    expect((await other("GET", "/v1/edits")).status).toBe(200);
    expect((await call("DELETE", `/v1/keys/${made.id}`)).status).toBe(204);
    const refused = [made.secret, "", "visii_test_aaaa", `${call.secret.slice(0, -1)}_`];
    for (const secret of refused) {
      const { status, headers, body } = await api.as("", secret)("GET", "/v1/edits");
      expect([status, body.code]).toEqual([401, "unauthorized"]);
      expect(headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  it("lets a key do what its scopes say and give no more than it has", async () => {
    const reader = await api.caller(0, ["read"]);
    expect((await reader("GET", "/v1/edits")).status).toBe(200);
    expect((await reader("POST", "/v1/uploads", { content_type: "image/png", bytes: 9 })).body.code).toBe(
      "missing_scope",
    );
    expect((await reader("GET", "/v1/keys")).body.code).toBe("missing_scope");
    const keeper = await api.caller(0, ["read", "keys"]);
    expect((await keeper("POST", "/v1/keys", { scopes: ["write"] })).body.code).toBe("missing_scope");
    expect((await keeper("POST", "/v1/keys", { scopes: ["read"] })).status).toBe(201);
  });

  it("shows a key's secret once", async () => {
    const { body } = await call("POST", "/v1/keys", {});
    expect(body.secret).toMatch(/^visii_test_/);
    expect(JSON.stringify((await call("GET", "/v1/keys")).body)).not.toContain(body.secret);
  });

  it("counts requests by key, says how many are left, and when to come back", async () => {
    const strict = await Api.open({ requestsPerMinute: 2 });
    try {
      const caller = await strict.caller();
      const answers = [
        await caller("GET", "/v1/edits"),
        await caller("GET", "/v1/edits"),
        await caller("GET", "/v1/edits"),
      ];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(answers[0]?.headers.get("ratelimit-policy")).toBe('"default";q=2;w=60');
      expect(answers[1]?.headers.get("ratelimit")).toMatch(/^"default";r=0;t=\d+$/);
      expect(Number(answers[2]?.headers.get("retry-after"))).toBeGreaterThan(0);
    } finally {
      await strict.stop();
    }
  });

  it("refuses a body of more than a megabyte", async () => {
    const { status, body } = await call("POST", "/v1/uploads", `"${"x".repeat(2 ** 20)}"`);
    expect([status, body.code]).toEqual([413, "too_large"]);
  });

  it("shows its reference, offline and from the schemas that validate", async () => {
    const { body } = await call("GET", "/openapi.json");
    expect(body.openapi).toBe("3.1.0");
    expect(Object.keys(body.paths)).toContain("/v1/instructions/{id}/events");
    expect(body.components.schemas.Problem.required).toContain("code");
    const docs = await call("GET", "/docs");
    expect(docs.body).toContain("/v1/uploads/{id}/complete");
    expect(docs.body).not.toMatch(/(src|href)="https?:/);
    expect((await api.app.request("/healthz")).status).toBe(200);
  });
});

describe("an Idempotency-Key", () => {
  const edit = async () => ({ text: "sepia", images: [await api.upload(call, await picture())] });

  it("gets the same answer for the same request, and makes one job", async () => {
    const body = await edit();
    const headers = { "Idempotency-Key": "once" };
    const first = await call("POST", "/v1/edits", body, headers);
    const second = await call("POST", "/v1/edits", body, headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(second.status).toBe(202);
  });

  it("is refused for another body", async () => {
    await call("POST", "/v1/edits", await edit(), { "Idempotency-Key": "mine" });
    const other = await call(
      "POST",
      "/v1/edits",
      { ...(await edit()), text: "blue" },
      { "Idempotency-Key": "mine" },
    );
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
  });

  it("lets one of many at once through", async () => {
    const caller = await api.caller();
    const body = { text: "sepia", images: [await api.upload(caller, await picture())] };
    const racing = Array.from({ length: 6 }, () =>
      caller("POST", "/v1/edits", body, { "Idempotency-Key": "race" }),
    );
    const answers = await Promise.all(racing);
    expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
    expect((await caller("GET", "/v1/edits")).body.data).toHaveLength(1);
  });
});

describe("tenants", () => {
  it("cannot read, list, cancel, change, delete, use or follow anything of another's", async () => {
    const other = await api.caller();
    const image = await api.upload(call, await picture());
    const { body: mine } = await call("POST", "/v1/instructions", {
      pairs: [{ before: image, after: image }],
    });
    const { body: edit } = await call("POST", "/v1/edits", { text: "x", images: [image] });
    const { body: key } = await call("POST", "/v1/keys", {});
    const { body: hook } = await call("POST", "/v1/webhooks", { url: "https://example.com/hook" });
    const batch = createId("batch", Date.now(), new Uint8Array(10));
    const stored: StoredBatch = {
      ...{ id: batch, account: call.account, status: "paused", created_at: new Date().toISOString() },
      request: { instruction: mine.id, images: [image] },
      ...{ cancel_requested: false, next_line: 0, submitted: 0, settled: 0 },
      counts: { total: 1, succeeded: 0, failed: 0, canceled: 0 },
    };
    await api.world.table.insert({ ...rowKeys.resource(call.account, batch), data: stored });
    expect((await call("GET", `/v1/batches/${batch}`)).status).toBe(200);
    const tries: readonly (readonly [string, string, unknown?])[] = [
      ["GET", `/v1/uploads/${image}`],
      ["POST", `/v1/uploads/${image}/complete`],
      ["GET", `/v1/instructions/${mine.id}`],
      ["PATCH", `/v1/instructions/${mine.id}`, { name: "stolen" }],
      ["DELETE", `/v1/instructions/${mine.id}`],
      ["POST", `/v1/instructions/${mine.id}/cancel`],
      ["GET", `/v1/instructions/${mine.id}/events`],
      ["GET", `/v1/edits/${edit.id}`],
      ["DELETE", `/v1/edits/${edit.id}`],
      ["POST", `/v1/edits/${edit.id}/cancel`],
      ["GET", `/v1/edits/${edit.id}/events`],
      ["POST", "/v1/edits", { text: "x", images: [image] }],
      ["POST", "/v1/instructions", { pairs: [{ before: image, after: image }] }],
      ["GET", `/v1/batches/${batch}`],
      ["POST", `/v1/batches/${batch}/cancel`],
      ["POST", `/v1/batches/${batch}/pause`],
      ["POST", `/v1/batches/${batch}/resume`],
      ["POST", "/v1/batches", { instruction: mine.id, images: [image] }],
      ["POST", "/v1/instructions/import", { upload: image }],
      ["POST", `/v1/webhooks/deliveries/dlv_${"0".repeat(26)}/replay`],
      ["DELETE", `/v1/keys/${key.id}`],
      ["DELETE", `/v1/webhooks/${hook.id}`],
    ];
    for (const [method, path, body] of tries) {
      const { status } = await other(method, path, body);
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    for (const path of [
      "/v1/instructions",
      "/v1/edits",
      "/v1/batches",
      "/v1/webhooks",
      "/v1/webhooks/deliveries",
    ])
      expect((await other("GET", path)).body.data).toEqual([]);
    expect((await call("GET", `/v1/instructions/${mine.id}`)).body).toMatchObject({ status: "queued" });
  });
});
