import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { sweep } from "../../functions/sweep/sweep.ts";
import { createId } from "../../shared/ids.ts";
import { type Job, type JobMessage, jobMessageSchema, newJob } from "../../shared/jobs/job.ts";
import { appendEvent, eventId } from "../../shared/jobs/job-events.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock, systemRandom } from "../../shared/system-clock.ts";
import { traceFacts } from "../../shared/trace.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let jobs: JobStore;
beforeAll(async () => {
  api = await Api.open({ longestWait: 2 });
  call = await api.caller();
  jobs = new JobStore({ ...api.world, clock: systemClock });
});
afterAll(() => api?.stop());

/** Seconds. */
const day = 24 * 3600;

const ports = (clock: Clock = systemClock) => ({
  table: api.world.table,
  objects: api.world.objects,
  clock,
  random: systemRandom,
  jobs: new JobStore({ ...api.world, clock }),
  ledger: new Ledger(api.world.table, clock),
  log: api.ports.log,
  meter: undefined,
  webhooks: api.world.webhooks,
});

/** Runs the sweeper at a given time. */
async function sweepAt(milliseconds: number): Promise<void> {
  while (await sweep(ports({ ...systemClock, now: () => milliseconds })));
}

/** All queued learning jobs. */
async function waitingMessages(): Promise<JobMessage[]> {
  const { learning } = api.world.queues;
  const messages: JobMessage[] = [];
  for (;;) {
    const some = await learning.receive({ maximum: 10, waitSeconds: 0, visibilitySeconds: 60 });
    if (!some.length) return messages;
    messages.push(...some.map(({ body }) => jobMessageSchema.parse(JSON.parse(body))));
  }
}

const upload = async (caller = call) => api.upload(caller, await picture());
const learn = async (extra: object = {}, headers: Record<string, string> = {}) =>
  call(
    "POST",
    "/v1/instructions",
    { pairs: [{ before: await upload(), after: await upload() }], ...extra },
    headers,
  );

describe("a job over HTTP", () => {
  it("is accepted with 202, a Location and its URLs", async () => {
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

  it("reserves credits, and releases them when it is canceled", async () => {
    const caller = await api.caller(10_000);
    const images = [await upload(caller), await upload(caller)];
    const { body } = await caller("POST", "/v1/edits", { text: "make it sepia", images });
    expect((await caller("GET", "/v1/usage")).body).toMatchObject({ balance: 8000, reserved: 2000 });
    const canceled = await caller("POST", `/v1/edits/${body.id}/cancel`);
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    expect((await caller("GET", "/v1/usage")).body).toMatchObject({ balance: 10_000, reserved: 0 });
  });

  it("is refused with 402 if the balance is too low, and with 429 if too many jobs are open", async () => {
    const poor = await api.caller(100);
    const refused = await poor("POST", "/v1/edits", { text: "sepia", images: [await upload(poor)] });
    expect([refused.status, refused.body.code]).toEqual([402, "insufficient_credit"]);
    const busy = await api.caller(1_000_000, ["read", "write"], 1);
    const edit = { text: "sepia", images: [await upload(busy)] };
    expect((await busy("POST", "/v1/edits", edit)).status).toBe(202);
    const crowded = await busy("POST", "/v1/edits", edit);
    expect([crowded.status, crowded.headers.get("retry-after")]).toEqual([429, "10"]);
  });

  it("is refused if its webhook's address is not public or not https", async () => {
    const images = [await upload()];
    const instruction = createId("instruction", 1, randomBytes(10));
    for (const webhook of ["https://169.254.169.254/", "https://localhost/x", "http://example.com/hook"]) {
      const answers = [
        await call("POST", "/v1/edits", { text: "x", images, webhook }),
        await call("POST", "/v1/batches", { instruction, images, webhook }),
        await call("POST", "/v1/webhooks", { url: webhook }),
      ];
      for (const { status, body } of answers) expect([status, body.code]).toEqual([422, "forbidden_url"]);
    }
    expect(
      (await call("POST", "/v1/edits", { text: "x", images, webhook: "https://a.example/" })).status,
    ).toBe(202);
  });

  it("requests cancellation of a running job, which its worker then ends", async () => {
    const { body } = await learn();
    await jobs.runs.claim(call.account, body.id, "worker");
    expect((await call("POST", `/v1/instructions/${body.id}/cancel`)).body.status).toBe("running");
    expect(await jobs.runs.get(call.account, body.id)).toMatchObject({ cancel_requested: true });
  });

  it("waits as long as requested, up to the maximum", async () => {
    const started = Date.now();
    const waited = await learn({}, { Prefer: "respond-async, wait=1" });
    expect(waited.headers.get("preference-applied")).toBe("wait=1");
    expect(Date.now() - started).toBeGreaterThan(900);
    const capped = await call("GET", `/v1/instructions/${waited.body.id}`, undefined, { Prefer: "wait=500" });
    expect(capped.headers.get("preference-applied")).toBe("wait=2");
    expect(capped.body).toMatchObject({ status: "queued", queue_position: expect.any(Number) });
  });

  it("is canceled after its Cancel-After, which must be a valid duration", async () => {
    const { body } = await learn({}, { "Cancel-After": "90s" });
    const job = (await jobs.get(call.account, body.id))!;
    expect(Date.parse(job.cancel_at!) - Date.parse(job.created_at)).toBe(90_000);
    await sweepAt(Date.parse(job.cancel_at!) - 1000);
    expect((await call("GET", `/v1/instructions/${body.id}`)).body.status).toBe("queued");
    await sweepAt(Date.parse(job.cancel_at!) + 1000);
    expect((await call("GET", `/v1/instructions/${body.id}`)).body.status).toBe("canceled");
    for (const time of ["4", "25h", "-5s", "soon", "1e3"])
      expect((await learn({}, { "Cancel-After": time })).body.code).toBe("invalid_request");
    expect((await learn({}, { "Cancel-After": "2h" })).status).toBe(202);
  });

  it("continues its caller's trace from the request to the queue, or starts one", async () => {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const given = `00-${trace}-00f067aa0ba902b7-01`;
    const { body } = await learn({}, { traceparent: given });
    const { body: other } = await learn({}, { traceparent: "00-nothing-of-the-sort-01" });
    const told = await waitingMessages();
    const row = await jobs.get(call.account, body.id);
    expect(row?.trace).toMatch(new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
    expect(told.find(({ job }) => job === body.id)?.trace).toBe(row?.trace);
    expect((await jobs.get(call.account, other.id))?.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(traceFacts(row?.trace)).toEqual({ trace_id: trace });
  });

  it("keeps its results as long as its account's plan allows, and then returns 410", async () => {
    const { objects } = api.world;
    const { body } = await call("POST", "/v1/edits", { text: "sepia", images: [await upload()] });
    const key = objectKeys.result(call.account, body.id, 0, 0, "png");
    await objects.put(key, await picture(), "image/png");
    const results = [{ input: createId("upload", 1, randomBytes(10)), key, width: 8, height: 8 }];
    await jobs.change(call.account, body.id, (job) => ({ job: { ...job, keep_results: 2 * day } }));
    await endJob(ports(), call.account, body.id, { status: "succeeded", results });
    const look = async () => (await call("GET", `/v1/edits/${body.id}`)).body;
    const kept = await look();
    expect(kept.results).toHaveLength(1);
    expect(Date.parse(kept.results_expire_at) - Date.parse(kept.finished_at)).toBe(2 * day * 1000);
    await sweepAt(Date.now() + 1.9 * day * 1000);
    expect(await objects.size(key)).toBeGreaterThan(0);
    await sweepAt(Date.now() + 2.1 * day * 1000);
    expect(await objects.size(key)).toBeUndefined();
    const gone = {
      status: "succeeded",
      results: [],
      expired: true,
      results_expire_at: kept.results_expire_at,
    };
    expect(await look()).toMatchObject(gone);
    await jobs.change(call.account, body.id, (job) => ({ job: { ...job, results, expired: false } }));
    expect((await look()).expired).toBeUndefined();
    await jobs.change(call.account, body.id, (job) => ({
      job: { ...job, finished_at: job.created_at, keep_results: 1 },
    }));
    // Its time has passed, but the sweeper has not run.
    await systemClock.sleep(1500);
    expect(await look()).toMatchObject({ results: [], expired: true });
    const { status, body: problem } = await call("GET", `/v1/edits/${body.id}/results/0`);
    expect([status, problem.code]).toEqual([410, "results_expired"]);
  });

  it("redirects from a permanent URL to a result, and returns 404 for an unknown one", async () => {
    const { body } = await call("POST", "/v1/edits", { text: "sepia", images: [await upload()] });
    const key = objectKeys.result(call.account, body.id, 0, 0, "png");
    await api.world.objects.put(key, await picture(), "image/png");
    const results = [{ input: createId("upload", 1, randomBytes(10)), key, width: 8, height: 8 }];
    await endJob(ports(), call.account, body.id, { status: "succeeded", results });
    const { status, headers } = await call("GET", `/v1/edits/${body.id}/results/0`);
    expect(status).toBe(302);
    expect((await fetch(headers.get("location")!)).status).toBe(200);
    expect((await call("GET", `/v1/edits/${body.id}/results/1`)).status).toBe(404);
    expect((await call("GET", `/v1/edits/${body.id}/results/x`)).status).toBe(404);
  });

  it("responds to a waiting caller as soon as it has ended", async () => {
    const { body } = await learn();
    const ending = systemClock
      .sleep(100)
      .then(() => endJob(ports(), call.account, body.id, { status: "failed" }))
      .then(() => Date.now());
    const longWait = createApp({ ...api.ports, settings: { ...api.ports.settings, longestWait: 60 } });
    const headers = { Authorization: `Bearer ${call.secret}`, Prefer: "wait=60" };
    const answer = await longWait.request(`/v1/instructions/${body.id}`, { headers });
    expect(await answer.json()).toMatchObject({ status: "failed" });
    expect(Date.now() - (await ending)).toBeLessThan(30_000); // half of the wait
    // 201 if the job ended during the wait, otherwise 202.
    const own = await api.caller();
    const edit = { text: "sepia", images: [await upload(own)] };
    const creating = own("POST", "/v1/edits", edit, { Prefer: "wait=2" });
    const newest = async () => (await own("GET", "/v1/edits?limit=1&status=queued")).body.data[0];
    await expect.poll(newest).toMatchObject({ status: "queued" });
    await endJob(ports(), own.account, (await newest()).id, { status: "failed" });
    const created = await creating;
    expect([created.status, created.body.status]).toEqual([201, "failed"]);
  });

  it("streams its events live, and continues after Last-Event-ID", async () => {
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

  it("can be listed by status, and edits by their batch", async () => {
    const own = await api.caller();
    const { body } = await own("POST", "/v1/uploads", { content_type: "image/png", bytes: 9 });
    expect(body.id).toBeDefined();
    const make = async (status: Job["status"], batch?: string) => {
      const id = createId("edit", Date.now(), randomBytes(10));
      const data = newJob({
        id,
        account: own.account,
        status,
        queue: "interactive",
        reserved: 0,
        concluded: true,
        created_at: new Date().toISOString(),
        request: { kind: "edit", text: "x", images: [body.id] },
        ...(batch ? { batch: { id: batch, line: 0 } } : {}),
      });
      await api.world.table.insert({ ...rowKeys.resource(own.account, id), data });
      return id;
    };
    const batch = createId("batch", 1, randomBytes(10));
    const [failed, canceled] = [await make("failed"), await make("canceled")];
    const lines = [];
    for (let line = 0; line < 120; line++) lines.push(await make("failed", batch));
    const list = async (query: string) => (await own("GET", `/v1/edits?${query}`)).body;
    const ids = (page: { data: { id: string }[] }) => page.data.map(({ id }) => id).sort();
    expect(ids(await list(""))).toEqual([failed, canceled].sort());
    expect(ids(await list("status=failed"))).toEqual([failed]);
    expect((await own("GET", "/v1/edits?status=lost")).status).toBe(422);
    const first = await list(`batch=${batch}&limit=100`);
    const second = await list(`batch=${batch}&limit=100&cursor=${first.next_cursor}`);
    expect([...ids(first), ...ids(second)].sort()).toEqual(lines.sort());
  });

  it("is listed newest first, in pages", async () => {
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

  it("is refused if an upload is missing or incomplete, or an instruction is missing or not learned", async () => {
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

  it("accepts a mask with every image's aspect ratio, and refuses others with both sizes", async () => {
    const square = await upload();
    const wide = await api.upload(call, await picture("png", { width: 96, height: 64 }));
    const edit = (images: string[], mask: string) => call("POST", "/v1/edits", { text: "x", images, mask });
    expect((await edit([square], square)).status).toBe(202);
    // EXIF may rotate the stored pixels; the worker compares the upright images.
    const tall = await api.upload(call, await picture("png", { width: 32, height: 48 }));
    expect((await edit([wide], tall)).status).toBe(202);
    const refused = await edit([square, wide], wide);
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      code: "invalid_upload",
      detail: `The mask ${wide} is 96×64 and image ${square} is 32×32; use a mask with the image's aspect ratio.`,
    });
    expect((await edit([square], createId("upload", 1, randomBytes(10)))).status).toBe(404);
  });

  it("can be renamed and deleted when it has ended", async () => {
    const { body } = await learn();
    expect((await call("DELETE", `/v1/instructions/${body.id}`)).body.code).toBe("not_ready");
    await call("POST", `/v1/instructions/${body.id}/cancel`);
    const renamed = await call("PATCH", `/v1/instructions/${body.id}`, { name: "dusk" });
    expect([renamed.status, renamed.body.name]).toEqual([200, "dusk"]);
    expect((await call("DELETE", `/v1/instructions/${body.id}`)).status).toBe(204);
    expect((await call("GET", `/v1/instructions/${body.id}`)).status).toBe(404);
  });
});
