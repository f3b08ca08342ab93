import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { createKeySecret } from "../../shared/accounts/api-key.ts";
import { eraseAccount } from "../../shared/erasure/erase-account.ts";
import { createJsonLog } from "../../shared/json-log.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemRandom } from "../../shared/system-clock.ts";
import { Api, type Caller, postForm } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let bytes: Uint8Array;
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
  bytes = await picture();
});
afterAll(() => api?.stop());

/** A phone with a new token of `owner`. */
async function phone(limits: object = {}, owner = call) {
  const { status, body } = await owner("POST", "/v1/uploads/tokens", limits);
  expect(status).toBe(201);
  return { ...body, call: api.as(owner.account, body.token) } as {
    readonly id: string;
    readonly token: string;
    readonly expires_at: string;
    readonly call: Caller;
  };
}
const image = (size = bytes.length) => ({ content_type: "image/png", bytes: size });
const create = (by: Caller, size?: number, headers = {}) => by("POST", "/v1/uploads", image(size), headers);

describe("an upload token", () => {
  it("uploads a photo that its backend can edit, and the upload names the token", async () => {
    const { id, token, call: own } = await phone({ expires_in: 60 });
    expect(token).toMatch(/^visii_upload_[0-9A-Za-z]{38}$/);
    const { body: form } = await create(own);
    // The form ends with the token.
    expect(Date.parse(form.expires_at) - Date.now()).toBeLessThanOrEqual(60_000);
    expect((await postForm(form, bytes)).status).toBe(204);
    const completed = await own("POST", `/v1/uploads/${form.id}/complete`);
    expect([completed.status, completed.body.token]).toEqual([200, id]);
    expect((await call("GET", `/v1/uploads/${form.id}`)).body.token).toBe(id);
    expect((await call("POST", "/v1/edits", { text: "sepia", images: [form.id] })).status).toBe(202);
    const [listed] = (await call("GET", "/v1/uploads/tokens")).body.data;
    expect(listed).toMatchObject({ id, uploads: 1, bytes: bytes.length });
    expect(JSON.stringify(listed)).not.toContain(token);
  });

  it("is accepted by no other route", async () => {
    const { call: own } = await phone();
    const upload = await api.upload(call, bytes);
    const { paths } = (await call("GET", "/openapi.json")).body as { paths: object };
    let tried = 0;
    for (const path of Object.keys(paths).filter((path) => path.startsWith("/v1/")))
      for (const method of ["get", "post", "patch", "delete", "put"]) {
        if (method === "post" && ["/v1/uploads", "/v1/uploads/{id}/complete"].includes(path)) continue;
        const filled = path.replace("{id}", upload).replace("{index}", "0");
        const { status, body } = await own(method.toUpperCase(), filled, method === "get" ? undefined : {});
        expect([method, path, status, body.code]).toEqual([method, path, 403, "missing_scope"]);
        tried++;
      }
    expect(tried).toBeGreaterThan(100);
    for (const path of [
      "/v1/uploads/",
      `/v1/uploads/${upload}/complete/`,
      "/v1/uploads/x/../../keys",
      "/v1//uploads",
    ])
      expect((await own("POST", path, image())).status).toBeGreaterThanOrEqual(403);
    for (const type of ["application/jsonl", "application/vnd.visii"]) {
      const { status, body } = await own("POST", "/v1/uploads", { content_type: type, bytes: 9 });
      expect([status, body.code]).toEqual([403, "missing_scope"]);
    }
  });

  it("completes no upload of its backend, of another phone or of another account", async () => {
    const [first, second] = [await phone(), await phone()];
    const stranger = await phone({}, await api.caller());
    const { body: backends } = await create(call);
    const { body: form } = await create(first.call);
    await postForm(form, bytes);
    for (const [who, id] of [
      [first, backends.id],
      [second, form.id],
      [stranger, form.id],
    ] as const)
      expect((await who.call("POST", `/v1/uploads/${id}/complete`)).status).toBe(404);
    expect((await first.call("POST", `/v1/uploads/${form.id}/complete`)).status).toBe(200);
    // Also not once it is complete.
    expect((await second.call("POST", `/v1/uploads/${form.id}/complete`)).status).toBe(404);
  });

  it("replays no response to its backend or another phone, and takes no Idempotency-Key from them", async () => {
    const [first, second] = [await phone(), await phone()];
    const headers = { "Idempotency-Key": "photo-1" };
    const answers = [];
    for (const who of [call, first.call, second.call]) answers.push(await create(who, undefined, headers));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3);
    const again = await create(first.call, undefined, headers);
    expect([again.body.id, again.headers.get("idempotency-replayed")]).toEqual([answers[1]?.body.id, "true"]);
    const other = await create(call, 9, { "Idempotency-Key": "photo-2" });
    expect((await create(second.call, 10, { "Idempotency-Key": "photo-2" })).status).toBe(201);
    expect(other.status).toBe(201);
  });

  it("allows exactly its number of uploads and its bytes, however many are requested at once", async () => {
    const few = await phone({ max_uploads: 3 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => create(few.call)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 201, ...Array(9).fill(403)]);
    const refused = answers.find(({ status }) => status === 403)?.body;
    expect([refused.code, refused.detail]).toEqual([
      "token_used_up",
      "The upload token has created 3 uploads, its limit; request a new token.",
    ]);
    const small = await phone({ max_bytes: 1000 });
    const sizes = await Promise.all(Array.from({ length: 8 }, () => create(small.call, 300)));
    expect(sizes.filter(({ status }) => status === 201)).toHaveLength(3);
    expect((await create(small.call, 101)).body.detail).toBe(
      "The upload has 101 bytes, but the upload token has 100 of 1000 left; request a new token.",
    );
    expect((await create(small.call, 100)).status).toBe(201);
    const { data } = (await call("GET", "/v1/uploads/tokens?limit=1")).body;
    expect(data).toMatchObject([{ id: small.id, uploads: 4, bytes: 1000 }]);
  });

  it("stores no more than the form that it got allows", async () => {
    const { call: own } = await phone({ max_bytes: 10 });
    const { body: form } = await create(own, 10);
    expect((await postForm(form, bytes)).ok).toBe(false);
  });

  it("stops working at its expiry, at its revocation, and when its key is revoked", async () => {
    let now = Date.now();
    const app = createApp({ ...api.ports, clock: { ...api.ports.clock, now: () => now } });
    const ask = async (secret: string, path = "/v1/uploads", body: object = image()) => {
      const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
      const answer = await app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: answer.status, body: (await answer.json()) as { token: string; expires_at: string } };
    };
    const { token, expires_at } = await phone({ expires_in: 600 });
    now = Date.parse(expires_at) - 1000;
    expect((await ask(token)).status).toBe(201);
    now += 2000;
    expect((await ask(token)).status).toBe(401);
    now = Date.now();

    const revoked = await phone();
    const { body: form } = await create(revoked.call);
    await postForm(form, bytes);
    expect((await call("DELETE", `/v1/uploads/tokens/${revoked.id}`)).status).toBe(204);
    expect((await call("DELETE", `/v1/uploads/tokens/${revoked.id}`)).status).toBe(404);
    expect((await create(revoked.call)).status).toBe(401);
    expect((await revoked.call("POST", `/v1/uploads/${form.id}/complete`)).status).toBe(401);

    const { body: key } = await call("POST", "/v1/keys", {
      expires_at: new Date(now + 120_000).toISOString(),
    });
    const made = await ask(key.secret, "/v1/uploads/tokens", {});
    expect(made.body.expires_at).toBe(key.expires_at);
    expect((await ask(made.body.token)).status).toBe(201);
    await call("DELETE", `/v1/keys/${key.id}`);
    expect((await ask(made.body.token)).status).toBe(401);
  });

  it("is refused if it is invented, altered, or its row belongs to another token", async () => {
    const { token } = await phone();
    const altered = `${token.slice(0, 20)}${token[20] === "a" ? "b" : "a"}${token.slice(21)}`;
    const forged = createKeySecret("upload", systemRandom(64));
    const asKey = token.replace("visii_upload_", "visii_test_");
    for (const secret of [
      altered,
      forged,
      asKey,
      token.slice(0, -1),
      `${token}x`,
      call.secret.replace("test", "upload"),
    ])
      expect((await create(api.as("", secret))).status).toBe(401);
    // Only the scheme differs in case.
    const answer = await api.app.request("/v1/uploads", {
      method: "POST",
      body: JSON.stringify(image()),
      headers: { Authorization: `bearer ${token}`, "Content-Type": "application/json" },
    });
    expect(answer.status).toBe(201);
  });

  it("can be created only by a key with the scope `write`, not by a token", async () => {
    const reader = await api.caller(0, ["read"]);
    expect((await reader("POST", "/v1/uploads/tokens", {})).body.code).toBe("missing_scope");
    const { call: own } = await phone();
    expect((await own("POST", "/v1/uploads/tokens", {})).body.code).toBe("missing_scope");
    for (const wrong of [
      { expires_in: 3601 },
      { expires_in: 0 },
      { max_uploads: 0 },
      { max_bytes: -1 },
      { scope: "x" },
    ])
      expect((await call("POST", "/v1/uploads/tokens", wrong)).status).toBe(422);
  });

  it("counts against its account's quota, and cannot use up the account's requests", async () => {
    const strict = await Api.openStopped({
      requestsPerMinute: 50,
      dailyQuotas: { uploadBytes: 1000, imports: 1 },
    });
    try {
      const owner = await strict.caller();
      const { body } = await owner("POST", "/v1/uploads/tokens", {});
      const own = strict.as(owner.account, body.token);
      expect((await create(own, 900)).status).toBe(201);
      expect((await create(own, 200)).body.code).toBe("quota_exceeded");
      expect((await create(owner, 200)).body.code).toBe("quota_exceeded");
      const answers = [];
      for (let tries = 0; tries < 60; tries++) answers.push((await create(own, 200)).status);
      expect(answers.filter((status) => status === 429)).toHaveLength(60);
      const last = await create(own, 200);
      expect(last.body.detail).toMatch(/^The upload token has made more than 10 requests this minute/);
      expect(Number(last.headers.get("retry-after"))).toBeGreaterThan(0);
      // Its backend's requests are still accepted.
      expect((await owner("GET", "/v1/account")).status).toBe(200);
    } finally {
      await strict.stop();
    }
  });

  it("consumes no quota of its account once it is used up", async () => {
    const strict = await Api.open({ dailyQuotas: { uploadBytes: 1000, imports: 1 } });
    try {
      const owner = await strict.caller();
      const { body } = await owner("POST", "/v1/uploads/tokens", { max_bytes: 500 });
      const own = strict.as(owner.account, body.token);
      expect((await create(own, 500)).status).toBe(201);
      for (let tries = 0; tries < 5; tries++) expect((await create(own, 400)).status).toBe(403);
      expect((await create(owner, 500)).status).toBe(201);
    } finally {
      await strict.stop();
    }
  });

  it("is in no log and no row, and an account's erasure leaves none", async () => {
    const lines: string[] = [];
    const log = createJsonLog((line) => lines.push(line), Date.now);
    const owner = await api.caller();
    const headers = { "Idempotency-Key": "token" };
    const { body } = await owner("POST", "/v1/uploads/tokens", {}, headers);
    expect((await owner("POST", "/v1/uploads/tokens", {}, headers)).body.token).toBe(body.token);
    const app = createApp({ ...api.ports, log });
    await app.request(`/v1/uploads/${body.token}`, { headers: { Authorization: `Bearer ${body.token}` } });
    expect(lines.length).toBeGreaterThan(0);
    const { table } = api.world;
    const rows = [
      ...(await table.query(owner.account, { limit: 100 })),
      ...(await table.query(rowKeys.idempotency(owner.account, "").pk, { limit: 100 })),
    ];
    expect(JSON.stringify([lines, rows])).not.toContain(body.token);
    const [row] = rows.filter(({ sk }) => sk.startsWith("tok#"));
    const pointer = rowKeys.uploadToken(String(row?.data.hash));
    expect(await table.get(pointer)).toBeDefined();
    await eraseAccount(api.world, owner.account);
    expect(await table.get(pointer)).toBeUndefined();
    expect((await create(api.as(owner.account, body.token))).status).toBe(401);
  });
});
