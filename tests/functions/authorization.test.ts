import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { newBatch } from "../../functions/batches/new-batch.ts";
import { createId } from "../../shared/ids.ts";
import { rowKeys } from "../../shared/rows.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
});
afterAll(() => api?.stop());

describe("authorization", () => {
  it("returns every error as a problem with a stable code and a request ID", async () => {
    const answers = [
      await call("GET", "/nowhere"),
      await call("GET", "/v1/nowhere"),
      await call("POST", "/v1/uploads", "{not json"),
      await call("POST", "/v1/uploads", {}),
      await call("GET", "/v1/edits/edt_../../x"),
      await call("GET", "/v1/edits?limit=1e9"),
      await call("PUT", "/v1/edits", {}),
      await call("POST", "/v1/uploads", "{}", { "Content-Type": "text/plain" }),
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
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 400, 422, 404, 422, 405, 415]);
    expect(api.errors).toEqual([]);
  });

  it("forbids caching of responses and errors under /v1", async () => {
    const answers = [
      await call("GET", "/v1/usage"),
      await call("GET", "/v1/nowhere"),
      await call("POST", "/v1/uploads", {}),
      await api.app.request("/v1/usage"),
    ];
    for (const { headers } of answers) expect(headers.get("cache-control")).toBe("private, no-store");
  });

  it("returns 405 with the allowed methods for any other method", async () => {
    const tries = [
      ["PUT", "/v1/edits", "GET, HEAD, POST"],
      ["POST", `/v1/edits/edt_${"0".repeat(26)}`, "DELETE, GET, HEAD"],
      ["GET", "/v1/webhooks/deliveries/dlv_1/replay", "POST"],
      ["DELETE", "/openapi.json", "GET, HEAD"],
    ] as const;
    for (const [method, path, allowed] of tries) {
      const { status, headers, body } = await call(method, path, method === "GET" ? undefined : {});
      expect([path, status, body.code, headers.get("allow")]).toEqual([
        path,
        405,
        "method_not_allowed",
        allowed,
      ]);
    }
    expect((await call("GET", "/v1/edits/a/b/c")).status).toBe(404);
    // Fixed paths that look like IDs, and malformed IDs.
    for (const [method, path] of [
      ["DELETE", "/v1/webhooks/secret"],
      ["PATCH", "/v1/webhooks/deliveries"],
      ["GET", "/v1/instructions/import"],
    ] as const)
      expect((await call(method, path, method === "PATCH" ? { enabled: true } : undefined)).status).toBe(405);
    for (const path of ["/v1/edits/x", "/v1/webhooks/whk_1", "/v1/batches/%2e%2e"])
      expect([path, (await call("GET", path)).status]).toEqual([path, 404]);
  });

  it("refuses a PATCH without a change", async () => {
    const id = createId("instruction", 1, randomBytes(10));
    const without = async (body?: unknown) => (await call("PATCH", `/v1/instructions/${id}`, body)).status;
    expect([await without(), await without({})]).toEqual([400, 422]);
  });

  it("writes no key into a log", async () => {
    const lines: string[] = [];
    const log = {
      info: (...line: unknown[]) => void lines.push(JSON.stringify(line)),
      error: () => undefined,
    };
    const app = createApp({ ...api.ports, log });
    await app.request(`/v1/edits/${call.secret}`);
    expect(lines.join()).toMatch(/visii_test_…/);
    expect(lines.join()).not.toContain(call.secret);
  });

  it("lets pages of other origins send requests and read the headers, also of errors", async () => {
    const preflight = await api.app.request("/v1/edits", {
      method: "OPTIONS",
      headers: {
        Origin: "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
      },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("idempotency-key");
    expect(preflight.headers.get("access-control-max-age")).toBe("86400");
    const refused = await api.app.request("/v1/edits", { headers: { Origin: "https://shop.example" } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, "*"]);
    expect(refused.headers.get("access-control-expose-headers")).toContain("Request-Id");
  });

  it("refuses a missing, invented, mistyped or revoked key", async () => {
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

  it("limits a key to its scopes, also when it creates other keys", async () => {
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

  it("refuses a key from its expiry on, and shows when a key was last used", async () => {
    let now = Date.now();
    const app = createApp({ ...api.ports, clock: { ...api.ports.clock, now: () => now } });
    const ask = async (method: string, secret: string, body?: object) => {
      const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
      const answer = await app.request("/v1/keys", {
        method,
        headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const text = await answer.text();
      return { status: answer.status, body: JSON.parse(text) };
    };
    const expires_at = new Date(now + 3_600_000).toISOString();
    const past = await ask("POST", call.secret, { expires_at: new Date(now).toISOString() });
    expect([past.status, past.body.detail]).toEqual([422, "/expires_at: must be in the future"]);
    const { body: key } = await ask("POST", call.secret, { scopes: ["read", "keys"], expires_at });
    expect(key).toMatchObject({ expires_at });
    expect((await ask("GET", key.secret)).status).toBe(200);
    const listed = (await ask("GET", call.secret)).body.data.find(({ id }: { id: string }) => id === key.id);
    expect(listed).toMatchObject({ expires_at, last_used_at: new Date(now).toISOString() });
    now += 3_600_000;
    expect((await ask("GET", key.secret)).status).toBe(401);
    expect((await ask("GET", call.secret)).status).toBe(200);
  });

  it("shows a key's secret once", async () => {
    const { body } = await call("POST", "/v1/keys", {});
    expect(body.secret).toMatch(/^visii_test_/);
    expect(JSON.stringify((await call("GET", "/v1/keys")).body)).not.toContain(body.secret);
  });

  it("limits requests by account, and returns how many are left and when to retry", async () => {
    const strict = await Api.openStopped({ requestsPerMinute: 2 });
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

  it("refuses a body larger than 1 MB", async () => {
    const { status, body } = await call("POST", "/v1/uploads", `"${"x".repeat(2 ** 20)}"`);
    expect([status, body.code]).toEqual([413, "too_large"]);
  });

  it("describes itself at /openapi.json, from the schemas that validate", async () => {
    const { body } = await call("GET", "/openapi.json");
    expect(body.openapi).toBe("3.1.0");
    expect(Object.keys(body.paths)).toContain("/v1/instructions/{id}/events");
    expect(body.components.schemas.Problem.required).toContain("code");
    expect((await api.app.request("/healthz")).status).toBe(200);
  });
});

describe("an Idempotency-Key", () => {
  const edit = async () => ({ text: "sepia", images: [await api.upload(call, await picture())] });

  it("returns the same response for the same request and creates one job", async () => {
    const body = await edit();
    const headers = { "Idempotency-Key": "once" };
    const first = await call("POST", "/v1/edits", body, headers);
    const second = await call("POST", "/v1/edits", body, headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(second.status).toBe(202);
  });

  it.each([
    ["/v1/keys", { name: "twice" }],
    ["/v1/webhooks", { url: "https://example.com/twice" }],
  ])(
    "creates one secret at %s, returns it again only to the same key, and stores none in the table",
    async (path, body) => {
      const caller = await api.caller();
      const headers = { "Idempotency-Key": "secret" };
      const first = await caller("POST", path, body, headers);
      const second = await caller("POST", path, body, headers);
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.body).toEqual(first.body);
      expect(second.headers.get("idempotency-replayed")).toBe("true");
      const { data } = (await caller("GET", path)).body;
      expect(data.filter(({ id }: { id: string }) => id === first.body.id)).toHaveLength(1);
      const { body: other } = await caller("POST", "/v1/keys", { scopes: ["read", "write", "keys"] });
      const stranger = await api.as(caller.account, other.secret)("POST", path, body, headers);
      expect([stranger.status, stranger.body.code]).toEqual([422, "idempotency_key_reused"]);
      const rows = await api.world.table.query(`idempotency#${caller.account}`, { limit: 10 });
      expect(rows).toHaveLength(1);
      expect(JSON.stringify(rows)).not.toContain(first.body.secret);
    },
  );

  it("is refused with a different body", async () => {
    await call("POST", "/v1/edits", await edit(), { "Idempotency-Key": "mine" });
    const other = await call(
      "POST",
      "/v1/edits",
      { ...(await edit()), text: "blue" },
      { "Idempotency-Key": "mine" },
    );
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
  });

  it("lets one of many concurrent requests through", async () => {
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
  it("cannot read, list, cancel, change, delete, use or follow resources of another tenant", async () => {
    const other = await api.caller();
    const image = await api.upload(call, await picture());
    const { body: mine } = await call("POST", "/v1/instructions", {
      pairs: [{ before: image, after: image }],
    });
    const { body: edit } = await call("POST", "/v1/edits", { text: "x", images: [image] });
    const { body: token } = await call("POST", "/v1/uploads/tokens", {});
    const { body: key } = await call("POST", "/v1/keys", {});
    const { body: hook } = await call("POST", "/v1/webhooks", { url: "https://example.com/hook" });
    const batch = createId("batch", Date.now(), new Uint8Array(10));
    const stored = newBatch({
      id: batch,
      account: call.account,
      status: "paused",
      created_at: new Date().toISOString(),
      request: { instruction: mine.id, images: [image] },
    });
    await api.world.table.insert({ ...rowKeys.resource(call.account, batch), data: stored });
    expect((await call("GET", `/v1/batches/${batch}`)).status).toBe(200);
    const tries: readonly (readonly [string, string, unknown?])[] = [
      ["GET", `/v1/uploads/${image}`],
      ["POST", `/v1/uploads/${image}/complete`],
      ["DELETE", `/v1/uploads/${image}`],
      ["DELETE", `/v1/uploads/tokens/${token.id}`],
      ["GET", `/v1/instructions/${mine.id}`],
      ["PATCH", `/v1/instructions/${mine.id}`, { name: "stolen" }],
      ["DELETE", `/v1/instructions/${mine.id}`],
      ["POST", `/v1/instructions/${mine.id}/cancel`],
      ["GET", `/v1/instructions/${mine.id}/events`],
      ["GET", `/v1/edits/${edit.id}`],
      ["DELETE", `/v1/edits/${edit.id}`],
      ["POST", `/v1/edits/${edit.id}/cancel`],
      ["GET", `/v1/edits/${edit.id}/events`],
      ["GET", `/v1/edits/${edit.id}/results/0`],
      ["GET", `/v1/batches/${batch}/output`],
      ["GET", `/v1/batches/${batch}/errors`],
      ["POST", "/v1/edits", { text: "x", images: [image] }],
      ["POST", "/v1/instructions", { pairs: [{ before: image, after: image }] }],
      ["GET", `/v1/batches/${batch}`],
      ["DELETE", `/v1/batches/${batch}`],
      ["POST", `/v1/batches/${batch}/cancel`],
      ["POST", `/v1/batches/${batch}/pause`],
      ["POST", `/v1/batches/${batch}/resume`],
      ["POST", "/v1/batches", { instruction: mine.id, images: [image] }],
      ["POST", "/v1/instructions/import", { upload: image }],
      ["POST", `/v1/webhooks/deliveries/dlv_${"0".repeat(26)}/replay`],
      ["GET", `/v1/keys/${key.id}`],
      ["DELETE", `/v1/keys/${key.id}`],
      ["GET", `/v1/webhooks/${hook.id}`],
      ["PATCH", `/v1/webhooks/${hook.id}`, { enabled: false }],
      ["POST", `/v1/webhooks/${hook.id}/ping`],
      ["DELETE", `/v1/webhooks/${hook.id}`],
      ["POST", `/v1/webhooks/${hook.id}/rotate`],
    ];
    for (const [method, path, body] of tries) {
      const { status } = await other(method, path, body);
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    // Covers every registered route.
    const { paths } = (await call("GET", "/openapi.json")).body as { paths: Record<string, object> };
    for (const [path, item] of Object.entries(paths).filter(([path]) => path.includes("{")))
      for (const method of Object.keys(item)) {
        const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
        const isTried = tries.some(([tried, at]) => tried.toLowerCase() === method && pattern.test(at));
        expect([method, path, isTried]).toEqual([method, path, true]);
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
