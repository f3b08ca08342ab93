import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../shared/ids.ts";
import { appendEvent, eventId } from "../../shared/jobs/job-events.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./pictures.ts";

let api: Api;
let call: Caller;
let jobs: JobStore;
beforeAll(async () => {
  api = await Api.open({ longestWait: 2 });
  call = await api.caller();
  jobs = new JobStore({ ...api.world, clock: systemClock });
});
afterAll(() => api?.stop());

const upload = async (caller = call) => api.upload(caller, await picture());
const learn = async (extra: object = {}, headers: Record<string, string> = {}) =>
  call(
    "POST",
    "/v1/instructions",
    { pairs: [{ before: await upload(), after: await upload() }], ...extra },
    headers,
  );

describe("a job over HTTP", () => {
  it("is accepted with 202, a location, and its links", async () => {
    const { status, headers, body } = await learn({ name: "sepia", metadata: { shop: "7" } });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      object: "instruction",
      status: "queued",
      name: "sepia",
      metadata: { shop: "7" },
    });
    expect(headers.get("location")).toBe(body.urls.self);
    expect(body.urls.events).toBe(`${body.urls.self}/events`);
    const message = await api.world.queues.learning.receive({
      maximum: 10,
      waitSeconds: 1,
      visibilitySeconds: 0,
    });
    expect(message.map(({ body }) => JSON.parse(body).job)).toContain(body.id);
  });

  it("sets credits aside, and gives them back when it is canceled", async () => {
    const caller = await api.caller(10_000);
    const images = [await upload(caller), await upload(caller)];
    const { body } = await caller("POST", "/v1/edits", { text: "make it sepia", images });
    expect((await caller("GET", "/v1/usage")).body).toMatchObject({ balance: 8000, reserved: 2000 });
    const canceled = await caller("POST", `/v1/edits/${body.id}/cancel`);
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    expect((await caller("GET", "/v1/usage")).body).toMatchObject({ balance: 10_000, reserved: 0 });
  });

  it("is refused with 402 when the credit does not cover it, and 429 when too many are open", async () => {
    const poor = await api.caller(100);
    const refused = await poor("POST", "/v1/edits", { text: "sepia", images: [await upload(poor)] });
    expect([refused.status, refused.body.code]).toEqual([402, "insufficient_credit"]);
    const busy = await api.caller(1_000_000, ["read", "write"], 1);
    const edit = { text: "sepia", images: [await upload(busy)] };
    expect((await busy("POST", "/v1/edits", edit)).status).toBe(202);
    expect((await busy("POST", "/v1/edits", edit)).status).toBe(429);
  });

  it("asks a running job to stop, and leaves the end to its worker", async () => {
    const { body } = await learn();
    await jobs.claim(call.account, body.id, "worker");
    expect((await call("POST", `/v1/instructions/${body.id}/cancel`)).body.status).toBe("running");
    expect(await jobs.get(call.account, body.id)).toMatchObject({ cancel_requested: true });
  });

  it("waits as long as preferred, and no longer than allowed", async () => {
    const started = Date.now();
    const waited = await learn({}, { Prefer: "respond-async, wait=1" });
    expect(waited.headers.get("preference-applied")).toBe("wait=1");
    expect(Date.now() - started).toBeGreaterThan(900);
    const capped = await call("GET", `/v1/instructions/${waited.body.id}`, undefined, { Prefer: "wait=500" });
    expect(capped.headers.get("preference-applied")).toBe("wait=2");
    expect(capped.body).toMatchObject({ status: "queued", queue_position: expect.any(Number) });
  });

  it("answers a waiting caller as soon as it has ended", async () => {
    const { body } = await learn();
    setTimeout(() => void jobs.end({ account: call.account, id: body.id }, { status: "failed" }), 100);
    const started = Date.now();
    const { body: now } = await call("GET", `/v1/instructions/${body.id}`, undefined, { Prefer: "wait=2" });
    expect(now.status).toBe("failed");
    expect(Date.now() - started).toBeLessThan(1500);
  });

  it("tells its events live, and from where a listener left off", async () => {
    const { body } = await learn();
    const append = (index: number, step: number) =>
      appendEvent(api.world.table, systemClock, body.id, eventId(1, index), {
        type: "progress",
        progress: { stage: "learn", step, steps: 3 },
      });
    await append(1, 1);
    await append(2, 2);
    setTimeout(() => void call("POST", `/v1/instructions/${body.id}/cancel`), 200);
    const all = await call("GET", `/v1/instructions/${body.id}/events`);
    expect(all.headers.get("content-type")).toContain("text/event-stream");
    const types = [...all.body.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
    expect(types).toEqual(["status", "progress", "progress", "status"]);
    const rest = await call("GET", `/v1/instructions/${body.id}/events`, undefined, {
      "Last-Event-ID": eventId(1, 1),
    });
    expect([...rest.body.matchAll(/^id: (.*)$/gm)].map(([, id]) => id)).toEqual([
      eventId(1, 2),
      "9999-999999",
    ]);
  });

  it("lists the newest first, a page at a time", async () => {
    const caller = await api.caller();
    const images = [await upload(caller)];
    const made: string[] = [];
    for (let index = 0; index < 5; index++)
      made.unshift((await caller("POST", "/v1/edits", { text: "sepia", images })).body.id);
    const first = await caller("GET", "/v1/edits?limit=3");
    const second = await caller("GET", `/v1/edits?limit=3&cursor=${first.body.next_cursor}`);
    expect([...first.body.data, ...second.body.data].map(({ id }: { id: string }) => id).toSorted()).toEqual(
      made.toSorted(),
    );
    expect(second.body.next_cursor).toBeUndefined();
    expect((await caller("GET", "/v1/edits?cursor=!!")).body.code).toBe("invalid_cursor");
  });

  it("names what is missing: no upload, an incomplete one, no instruction, one that is not learned", async () => {
    const nowhere = createId("upload", 1, randomBytes(10));
    const pending = (await call("POST", "/v1/uploads", { content_type: "image/png", bytes: 9 })).body.id;
    const { body: instruction } = await learn();
    const images = [await upload()];
    const answers = [
      await call("POST", "/v1/edits", { text: "x", images: [nowhere] }),
      await call("POST", "/v1/edits", { text: "x", images: [pending] }),
      await call("POST", "/v1/edits", { instruction: createId("instruction", 1, randomBytes(10)), images }),
      await call("POST", "/v1/edits", { instruction: instruction.id, images }),
      await call("POST", "/v1/edits", { images }),
      await call("POST", "/v1/edits", { text: "x", images, count: 2, noise: "fixed" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 409, 404, 409, 422, 422]);
  });

  it("is renamed, and deleted when it is over", async () => {
    const { body } = await learn();
    expect((await call("DELETE", `/v1/instructions/${body.id}`)).body.code).toBe("not_ready");
    await call("POST", `/v1/instructions/${body.id}/cancel`);
    const renamed = await call("PATCH", `/v1/instructions/${body.id}`, { name: "dusk" });
    expect([renamed.status, renamed.body.name]).toEqual([200, "dusk"]);
    expect((await call("DELETE", `/v1/instructions/${body.id}`)).status).toBe(204);
    expect((await call("GET", `/v1/instructions/${body.id}`)).status).toBe(404);
  });
});
