import { type Visii, visii } from "visii-client";
import { verifyWebhook } from "visii-client/webhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signWebhook } from "../../shared/webhooks/signing.ts";
import { Api, type Caller } from "../functions/api.ts";
import { picture } from "../functions/test-images.ts";

let world: Api;
let caller: Caller;
let api: Visii;
/** "METHOD /path" of every request sent. */
const sent: string[] = [];
/** Replacements of the service's responses, used once each: a status, or no response. */
const mishaps: (number | "silence")[] = [];

beforeAll(async () => {
  world = await Api.open({ longestWait: 2 });
  caller = await world.caller();
  const { secret: key } = caller;
  api = visii({ baseUrl: "http://visii.test", key, fetch: throughTheApp });
});
afterAll(() => world?.stop());

/** The real app in this process. Forms are sent to the real store. */
const throughTheApp: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  if (!request.url.startsWith("http://visii.test")) return fetch(request);
  const mishap = mishaps.shift();
  if (mishap === "silence") throw new TypeError("fetch failed");
  if (mishap !== undefined) return new Response("", { status: mishap });
  sent.push(`${request.method} ${new URL(request.url).pathname}`);
  return world.app.fetch(request);
};

const image = async () => (await api.uploads.send(Uint8Array.from(await picture()), "image/png")).id;

describe("the client", () => {
  it("has a method for every operation of the OpenAPI document", async () => {
    const upload = await image();
    expect((await api.uploads.get(upload)).status).toBe("ready");
    const made = await api.instructions.create({ pairs: [{ before: upload, after: upload }] });
    expect((await api.instructions.list({ limit: 1 })).data).toHaveLength(1);
    const file = await api.uploads.send(new TextEncoder().encode("{}"), "application/jsonl");
    await expect(api.instructions.import({ upload: file.id })).rejects.toMatchObject({ name: "ApiError" });
    const edit = await api.edits.create({ text: "sepia", images: [upload] });
    await api.edits.cancel(edit.id);
    await api.edits.list();
    const statuses: string[] = [];
    for await (const event of api.edits.events(edit.id))
      if (event.type === "status") statuses.push(event.status);
    expect(statuses).toEqual(["queued", "canceled"]);
    expect((await api.edits.get(edit.id)).status).toBe("canceled");
    await expect(api.edits.download(edit.id, 0)).rejects.toMatchObject({ problem: { code: "not_found" } });
    await api.instructions.cancel(made.id);
    await api.instructions.update(made.id, { name: "renamed" });
    expect((await api.instructions.get(made.id)).name).toBe("renamed");
    for await (const _ of api.instructions.events(made.id));
    await expect(api.batches.create({ instruction: made.id, images: [upload] })).rejects.toMatchObject({
      name: "ApiError",
    });
    const none = "bat_00000000000000000000000000";
    for (const call of [
      api.batches.get,
      api.batches.cancel,
      api.batches.pause,
      api.batches.resume,
      api.batches.delete,
    ])
      await expect(call(none)).rejects.toMatchObject({ problem: { code: "not_found" } });
    for (const read of [api.batches.output, api.batches.errors])
      await expect(read(none).next()).rejects.toMatchObject({ problem: { code: "not_found" } });
    await api.batches.list();
    const { id: tokenId, token } = await api.uploads.tokens.create({ max_uploads: 1 });
    const phone = visii({ baseUrl: "http://visii.test", key: token, fetch: throughTheApp });
    const photo = await phone.uploads.send(Uint8Array.from(await picture()), "image/png");
    expect(photo).toMatchObject({ status: "ready", token: tokenId });
    expect((await api.uploads.tokens.list({ limit: 5 })).data).toMatchObject([{ id: tokenId, uploads: 1 }]);
    await api.uploads.tokens.revoke(tokenId);
    await expect(api.uploads.delete("upl_00000000000000000000000000")).rejects.toMatchObject({
      problem: { code: "not_found" },
    });
    await api.edits.delete(edit.id);
    await api.instructions.delete(made.id);
    expect((await api.usage({ from: "2026-01-01T00:00:00Z" })).balance).toBe(1_000_000);

    const key = await api.keys.create({ name: "second", scopes: ["read"] });
    expect((await api.keys.list()).data.map(({ name }) => name)).toContain("second");
    await expect(
      visii({ baseUrl: "http://visii.test", key: key.secret, fetch: throughTheApp }).keys.list(),
    ).rejects.toMatchObject({ problem: { code: "missing_scope" } });
    expect((await api.keys.get(key.id)).name).toBe("second");
    await api.keys.revoke(key.id);

    const hook = await api.webhooks.create({ url: "https://example.com/hook", events: ["edit.canceled"] });
    expect((await api.webhooks.list()).data).toMatchObject([{ id: hook.id, enabled: true }]);
    const second = await api.edits.create({ text: "sepia", images: [upload] });
    await api.edits.cancel(second.id);
    expect(await api.webhooks.update(hook.id, { events: null })).not.toHaveProperty("events");
    expect(await api.webhooks.get(hook.id)).toMatchObject({ id: hook.id, enabled: true });
    expect(await api.webhooks.ping(hook.id)).toMatchObject({ type: "ping", status: "pending" });
    const delivery = (await api.webhooks.deliveries()).data.find(({ type }) => type !== "ping");
    expect(delivery).toMatchObject({ type: "edit.canceled", webhook: hook.id });
    expect(await api.webhooks.replay(delivery!.id)).toMatchObject({ status: "pending" });
    const { secret: newer } = await api.webhooks.rotate(hook.id);
    expect(newer).not.toBe(hook.secret);
    const { secret: own } = await api.webhooks.secret();
    expect((await api.webhooks.rotateSecret()).secret).not.toBe(own);
    await api.webhooks.delete(hook.id);
    expect(await api.account.get()).toMatchObject({ object: "account" });
    await expect(api.account.delete(hook.id)).rejects.toMatchObject({ problem: { status: 422 } });
    const body = JSON.stringify({ type: "edit.canceled", data: { id: second.id } });
    const headers = { ...signWebhook([hook.secret], "dlv_1", Math.floor(Date.now() / 1000), body) };
    expect(verifyWebhook(hook.secret, headers, body, Date.now())).toMatchObject({ type: "edit.canceled" });

    const dot = Buffer.from(await picture()).toString("base64");
    expect(await api.uploads.download(`data:image/png;base64,${dot}`)).toMatchObject({ status: "ready" });

    const { body: document } = await caller("GET", "/openapi.json");
    const operations = Object.entries<Record<string, unknown>>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const missing = operations.filter((operation) => {
      const pattern = new RegExp(`^${operation.replace(/\{\w+\}/g, "[^/]+")}$`);
      return !sent.some((request) => pattern.test(request));
    });
    expect(missing).toEqual(["GET /healthz"]);
  });

  it("retries only requests that are safe to repeat, after network errors and 503", async () => {
    mishaps.push("silence", 503);
    expect((await api.usage()).balance).toBeGreaterThan(0);
    const upload = await image();
    mishaps.push(502);
    const first = await api.edits.create({ text: "sepia", images: [upload] }, { idempotencyKey: "once" });
    const again = await api.edits.create({ text: "sepia", images: [upload] }, { idempotencyKey: "once" });
    expect(again.id).toBe(first.id);
    mishaps.push("silence");
    await expect(api.edits.create({ text: "sepia", images: [upload] })).rejects.toThrow("fetch failed");
    mishaps.push("silence", 503);
    await api.edits.cancel(first.id);
    mishaps.push("silence");
    const seen: string[] = [];
    for await (const { type } of api.edits.events(first.id)) seen.push(type);
    expect(seen).toEqual(["status", "status"]);
  });
});
