import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { readInput, storeInput } from "../../functions/batches/batch-input.ts";
import { newBatch } from "../../functions/batches/new-batch.ts";
import { KeyStore } from "../../shared/accounts/key-store.ts";
import { createId } from "../../shared/ids.ts";
import { createJsonLog } from "../../shared/json-log.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { systemClock, systemRandom } from "../../shared/system-clock.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let victim: Caller;
beforeAll(async () => {
  api = await Api.open();
  [call, victim] = [await api.caller(), await api.caller()];
});
afterAll(() => api?.stop());

const prefixed = (account: string, prefix: string): StoredBatch =>
  newBatch({
    id: createId("batch", Date.now(), systemRandom(10)),
    account,
    status: "queued",
    request: { instruction: createId("instruction", 1, systemRandom(10)), prefix },
    created_at: new Date().toISOString(),
  });
async function listLines(objects: ObjectStore, batch: StoredBatch) {
  const total = await storeInput({ objects, table: api.world.table }, batch);
  return readInput(objects, batch, 0, total);
}

describe("a hostile tenant", () => {
  it("cannot use another account's Idempotency-Key", async () => {
    const body = { content_type: "image/png", bytes: 9 };
    const headers = { "Idempotency-Key": "guessed" };
    const theirs = await victim("POST", "/v1/uploads", body, headers);
    const mine = await call("POST", "/v1/uploads", body, headers);
    expect([mine.status, mine.headers.get("idempotency-replayed")]).toEqual([201, null]);
    expect(mine.body.id).not.toBe(theirs.body.id);
  });

  it("gets only its own list with a cursor from another account", async () => {
    for (let made = 0; made < 2; made++)
      await victim("POST", "/v1/edits", { text: "x", images: [await api.upload(victim, await picture())] });
    const { next_cursor } = (await victim("GET", "/v1/edits?limit=1")).body;
    expect(next_cursor).toBeTruthy();
    expect((await call("GET", `/v1/edits?cursor=${next_cursor}`)).body.data).toEqual([]);
    for (const forged of [`${victim.account}`, "balance", "key#", `edt#../${victim.account}`])
      expect(
        (await call("GET", `/v1/edits?cursor=${Buffer.from(forged).toString("base64url")}`)).body.code,
      ).toBe("invalid_cursor");
  });

  it("cannot reach another account's folder with any prefix", async () => {
    await api.world.objects.put(objectKeys.drop(victim.account, "secret.png"), await picture(), "image/png");
    await api.world.objects.put(objectKeys.drop(call.account, "own.png"), await picture(), "image/png");
    const instruction = createId("instruction", 1, systemRandom(10));
    for (const prefix of [`../${victim.account}/`, "a/../../x", "%2e%2e/", "..\\x", "\u0000"])
      expect((await call("POST", "/v1/batches", { instruction, prefix })).body.code).toBe("invalid_request");
    for (const prefix of ["", "own", `${victim.account}/`, `/${victim.account}/`, "secret"]) {
      const lines = await listLines(api.world.objects, prefixed(call.account, prefix));
      expect(lines.every(({ object }) => object?.startsWith(`drops/${call.account}/`))).toBe(true);
    }
    expect(await listLines(api.world.objects, prefixed(call.account, ""))).toHaveLength(1);
  });

  it("cannot name objects of the store in a manifest, only uploads", async () => {
    const object = objectKeys.drop(victim.account, "secret.png");
    const bytes = new TextEncoder().encode(JSON.stringify({ object, image: `upl_${"0".repeat(26)}` }));
    const manifest = await api.upload(call, bytes, "application/jsonl");
    const { prefix: _, ...request } = prefixed(call.account, "").request;
    const batch = { ...prefixed(call.account, ""), request: { ...request, manifest } };
    await expect(listLines(api.world.objects, batch)).rejects.toMatchObject({ code: "invalid_manifest" });
  });

  it("cannot create more keys than can be listed and revoked", async () => {
    const many = await api.caller();
    const keys = new KeyStore(api.world.table, systemClock, systemRandom);
    await Promise.all(
      Array.from({ length: 99 }, () => keys.create(many.account, "test", { scopes: ["read"] })),
    );
    const { status, body } = await many("POST", "/v1/keys", {});
    expect([status, body.code]).toEqual([422, "too_many_keys"]);
    const { data } = (await many("GET", "/v1/keys")).body;
    expect(data).toHaveLength(100);
    await many("DELETE", `/v1/keys/${data[0].id}`);
    expect((await many("POST", "/v1/keys", {})).status).toBe(201);
  });
});

it("no key, secret, signature or signed URL is logged, by any request or failure", async () => {
  const lines: string[] = [];
  const log = createJsonLog((line) => lines.push(line), Date.now);
  const broken = { ...api.world.objects, presignUpload: () => Promise.reject(new Error("broke")) };
  const objects = Object.assign(Object.create(api.world.objects), { presignUpload: broken.presignUpload });
  const apps = [createApp({ ...api.ports, log }), createApp({ ...api.ports, log, objects })];
  const image = await api.upload(call, await picture());
  const secrets = [call.secret];
  for (const app of apps)
    for (const [method, path, body] of [
      ["POST", "/v1/keys", {}],
      ["POST", "/v1/webhooks", { url: "https://example.com/hook?token=hidden" }],
      ["GET", "/v1/webhooks/secret", undefined],
      ["POST", "/v1/webhooks/secret/rotate", undefined],
      ["POST", "/v1/uploads", { content_type: "image/png", bytes: 9 }],
      ["POST", "/v1/edits", { text: "private words", images: [image] }],
      ["GET", `/v1/edits?cursor=${call.secret}`, undefined],
      ["GET", `/v1/nowhere?key=${call.secret}`, undefined],
    ] as const) {
      const answer = await app.request(path, {
        method,
        headers: { Authorization: `Bearer ${call.secret}`, "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { secret, fields } = (await answer.json()) as {
        secret?: string;
        fields?: Record<string, string>;
      };
      if (secret !== undefined) secrets.push(secret);
      if (fields) secrets.push(String(fields["X-Amz-Signature"]), String(fields.Policy));
    }
  expect(secrets.length).toBeGreaterThan(8);
  const text = lines.join("\n");
  expect(lines.length).toBeGreaterThan(15);
  for (const secret of [...secrets, "private words", "token=hidden", "X-Amz-"])
    expect(text).not.toContain(secret);
});
