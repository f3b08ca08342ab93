import { createCipheriv, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../shared/ids.ts";
import { appendEvent, eventId } from "../../shared/jobs/job-events.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { meterKey } from "../../shared/ledger/meter-row.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { StoredDelivery } from "../../shared/webhooks/webhook.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller, postForm } from "./api.ts";
import { LambdaBundle } from "./lambda-bundle.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let environment: Record<string, string>;
const open: LambdaBundle[] = [];

/** Environment of a deployed function, with the URLs of the stand-ins. */
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
  const { aws, bucket, table, queueUrls, webhookQueueUrl } = api.world.standIns;
  environment = {
    AWS_REGION: aws.region,
    VISII_BUCKET: bucket,
    VISII_TABLE: table,
    VISII_QUEUE_URLS: JSON.stringify(queueUrls),
    VISII_WEBHOOK_QUEUE_URL: webhookQueueUrl,
    VISII_PUBLIC_URL: "https://api.example.com/",
    // As many as the API of this process has: the two count one key's requests together.
    VISII_REQUESTS_PER_MINUTE: "100000",
    VISII_STORE_ENDPOINT: aws.storeEndpoint!,
    VISII_QUEUE_ENDPOINT: aws.queueEndpoint!,
    VISII_TABLE_ENDPOINT: aws.tableEndpoint!,
    AWS_ACCESS_KEY_ID: aws.credentials!.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials!.secretAccessKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
});
afterAll(async () => {
  await Promise.all(open.map((bundle) => bundle.stop()));
  await api?.stop();
});

async function bundle(name: string, extra: Readonly<Record<string, string>> = {}): Promise<LambdaBundle> {
  const opened = await LambdaBundle.open(name, { ...environment, ...extra });
  open.push(opened);
  return opened;
}

const image = async () => api.upload(call, await picture());

describe("the API as a Lambda function", () => {
  let lambda: LambdaBundle;
  const authorized = () => ({ Authorization: `Bearer ${call.secret}` });
  beforeAll(async () => {
    lambda = await bundle("api-lambda");
  });

  it("accepts an upload and a job, with links that start with the public URL", async () => {
    const bytes = await picture();
    const wish = { content_type: "image/png", bytes: bytes.length };
    const form = await lambda.request("POST", "/v1/uploads", { headers: authorized(), body: wish });
    expect(form.status).toBe(201);
    expect((await postForm(form.body, bytes)).status).toBe(204);
    const { id } = form.body;
    const complete = await lambda.request("POST", `/v1/uploads/${id}/complete`, { headers: authorized() });
    expect(complete.body).toMatchObject({ id, status: "ready" });
    const body = { text: "sepia", images: [id] };
    const edit = await lambda.request("POST", "/v1/edits", { headers: authorized(), body });
    expect([edit.status, edit.headers.location]).toEqual([202, edit.body.urls.self]);
    expect(edit.body.urls.self).toBe(`https://api.example.com/v1/edits/${edit.body.id}`);
    const list = await lambda.request("GET", "/v1/edits?limit=1", { headers: authorized() });
    expect(list.body.data).toMatchObject([{ id: edit.body.id }]);
    const made = await lambda.request("POST", "/v1/keys", { headers: authorized(), body: {} });
    expect(made.body.secret).toMatch(/^visii_live_/);
  });

  it("streams events as they happen", async () => {
    const { body: edit } = await call("POST", "/v1/edits", { text: "sepia", images: [await image()] });
    let heard = "";
    let beforeEnd = "";
    const streaming = lambda.request("GET", `/v1/edits/${edit.id}/events`, {
      headers: authorized(),
      onChunk(chunk) {
        heard += chunk;
      },
    });
    const progress = { stage: "edit", step: 1, steps: 2 };
    await appendEvent(api.world.table, systemClock, edit.id, eventId(1, 0), { type: "progress", progress });
    await expect
      .poll(
        () => {
          beforeEnd = heard;
          return heard;
        },
        { timeout: 10_000 },
      )
      .toContain('"step":1');
    await call("POST", `/v1/edits/${edit.id}/cancel`);
    const { headers, body } = await streaming;
    expect(headers["content-type"]).toContain("text/event-stream");
    expect(beforeEnd).not.toContain("canceled");
    expect([...body.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)).toEqual([
      "status",
      "progress",
      "status",
    ]);
  });

  it("returns errors as problems, 401 without a key, 204 without a body, and the studio's page", async () => {
    const stranger = await lambda.request("GET", "/v1/edits");
    expect([stranger.status, stranger.headers["content-type"], stranger.body.code]).toEqual([
      401,
      "application/problem+json",
      "unauthorized",
    ]);
    const { body: key } = await call("POST", "/v1/keys", {});
    const gone = await lambda.request("DELETE", `/v1/keys/${key.id}`, { headers: authorized() });
    expect([gone.status, gone.body]).toEqual([204, ""]);
    const studio = await lambda.request("GET", "/");
    expect([studio.status, studio.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(studio.body).toContain("studio.js");
    expect((await lambda.request("GET", "/studio/studio.js")).status).toBe(200);
    expect((await lambda.request("GET", "/studio/../api-lambda.mjs")).status).toBe(404);
  });
});

describe("the sweeper as a Lambda function", () => {
  let stripe: Server;
  const told: Record<string, string>[] = [];
  let secrets: string;
  beforeAll(async () => {
    stripe = createServer(async (request, response) => {
      if (request.headers.authorization !== "Bearer sk_test_linked")
        return void response.writeHead(401).end();
      told.push(Object.fromEntries(new URLSearchParams(await text(request))));
      response.end("{}");
    });
    await new Promise<void>((resolve) => stripe.listen(0, "127.0.0.1", resolve));
    secrets = await mkdtemp(join(tmpdir(), "visii-secrets-"));
  });
  afterAll(async () => {
    stripe?.close();
    await rm(secrets, { recursive: true });
  });

  it("reports a charge to Stripe with the linked secret key, which is in no variable and no log", async () => {
    const key = randomBytes(32);
    const cipher = createCipheriv("aes-256-gcm", key, Buffer.alloc(12));
    const links = { App: { name: "visii" }, StripeKey: { type: "sst.sst/Secret", value: "sk_test_linked" } };
    const sealed = Buffer.concat([cipher.update(JSON.stringify(links)), cipher.final(), cipher.getAuthTag()]);
    const file = join(secrets, "resource.enc");
    await writeFile(file, sealed);
    const sweeper = await bundle("sweep-lambda", {
      SST_KEY: key.toString("base64"),
      SST_KEY_FILE: file,
      VISII_STRIPE_URL: `http://127.0.0.1:${(stripe.address() as AddressInfo).port}`,
    });
    const at = new Date().toISOString();
    const charge = { job: "edt_1", customer: "cus_1", credits: 1000, at, attempts: 0 };
    await api.world.table.insert({ ...meterKey(call.account, "edt_1"), data: charge, due: at });
    await sweeper.invoke({});
    expect(told).toMatchObject([{ identifier: "edt_1", "payload[value]": "1000" }]);
    expect(await api.world.table.get(meterKey(call.account, "edt_1"))).toBeUndefined();
    expect(sweeper.log).not.toContain("sk_test");
  });

  it("reads the table once if nothing is due", async () => {
    const sweeper = open.at(-1)!;
    const started = Date.now();
    expect(await sweeper.invoke({})).toEqual({ handled: 0 });
    expect(Date.now() - started).toBeLessThan(20_000); // a busy sweeper goes on for 55 seconds
  });
});

describe("the settlement queue as a Lambda function", () => {
  it("settles ended jobs, and drops messages without a job", async () => {
    const jobs = new JobStore({ ...api.world, clock: systemClock });
    const pairs = [{ before: await image(), after: await image() }];
    const { body: instruction } = await call("POST", "/v1/instructions", { pairs });
    const { id } = instruction;
    await jobs.runs.end({ account: call.account, id }, { status: "succeeded" });
    expect((await call("GET", `/v1/instructions/${id}`)).body.status).toBe("running");
    const settlement = await bundle("settlement-lambda");
    const message = JSON.stringify({ version: 1, account: call.account, job: id });
    const Records = [message, message, "no job at all"].map((body, index) => ({
      messageId: `message-${index}`,
      receiptHandle: "receipt",
      body,
      eventSource: "aws:sqs",
    }));
    expect(await settlement.invoke({ Records })).toEqual({ batchItemFailures: [] });
    expect((await call("GET", `/v1/instructions/${id}`)).body).toMatchObject({
      status: "succeeded",
      usage: { credits: expect.any(Number) },
    });
  });
});

describe("the table's stream as a Lambda function", () => {
  const record = (pk: string, sk: string) => ({
    eventName: "INSERT",
    eventSource: "aws:dynamodb",
    dynamodb: { Keys: { pk: { S: pk }, sk: { S: sk } }, StreamViewType: "KEYS_ONLY", SequenceNumber: "1" },
  });

  it("starts new batches and deliveries at once, and leaves rows that are not due", async () => {
    const { table } = api.world;
    const jobs = new JobStore({ ...api.world, clock: systemClock });
    const ports = { jobs, table, clock: systemClock, ledger: new Ledger(table, systemClock) };
    const pairs = [{ before: await image(), after: await image() }];
    const { body: instruction } = await call("POST", "/v1/instructions", { pairs });
    await endJob(ports, call.account, instruction.id, { status: "succeeded" });
    const wish = { instruction: instruction.id, prefix: "nothing-is-there/" };
    const { body: batch } = await call("POST", "/v1/batches", wish);
    const now = await delivery(0);
    const later = await delivery(3_600_000);
    const rows = [batch.id, now, later].map((id) => rowKeys.resource(call.account, id));
    const stream = await bundle("due-lambda");
    await stream.invoke({ Records: rows.map(({ pk, sk }) => record(pk, sk)) });
    expect((await call("GET", `/v1/batches/${batch.id}`)).body).toMatchObject({
      status: "failed",
      error: { code: "empty_batch" },
    });
    const messages = await api.world.webhooks.receive({ maximum: 10, waitSeconds: 1, visibilitySeconds: 60 });
    const sender = await bundle("webhook-lambda");
    const Records = [...messages.map(({ body }) => body), "no delivery at all"].map((body, index) => ({
      messageId: `message-${index}`,
      receiptHandle: "receipt",
      body,
      eventSource: "aws:sqs",
    }));
    expect(await sender.invoke({ Records })).toEqual({ batchItemFailures: [] });
    const { data } = (await call("GET", "/v1/webhooks/deliveries")).body;
    const attempts = Object.fromEntries(data.map(({ id, attempts }: StoredDelivery) => [id, attempts]));
    expect(attempts).toMatchObject({ [now]: 1, [later]: 0 });
  });

  /** A delivery to a forbidden URL, due in the given number of milliseconds. */
  async function delivery(wait: number): Promise<string> {
    const due = new Date(Date.now() + wait).toISOString();
    const stored: StoredDelivery = {
      id: createId("delivery", Date.now(), randomBytes(10)),
      account: call.account,
      url: "https://127.0.0.1/",
      type: "edit.succeeded",
      status: "pending",
      attempts: 0,
      body: "{}",
      created_at: new Date().toISOString(),
      next_attempt_at: due,
    };
    await api.world.table.insert({ ...rowKeys.resource(call.account, stored.id), data: stored, due });
    return stored.id;
  }
});

describe("the dead-letter queues as a Lambda function", () => {
  it("queues a waiting job again, drops messages without a job, and returns failed ones for a retry", async () => {
    const edit = { text: "sepia", images: [await image()] };
    const { body: job } = await call("POST", "/v1/edits", edit);
    const waiting = async () => (await api.world.queues.interactive.depth()).visible;
    const before = await waiting();
    const broken = createId("edit", Date.now(), randomBytes(10));
    await api.world.table.insert({ ...rowKeys.resource(call.account, broken), data: { id: broken } });
    const message = (id: string) => JSON.stringify({ version: 1, job: id, account: call.account });
    const deadLetters = await bundle("dead-letter-lambda");
    const bodies = [message(job.id), "not a job at all", message(broken)];
    const Records = bodies.map((body, index) => ({
      messageId: `message-${index}`,
      receiptHandle: "receipt",
      body,
      attributes: { ApproximateReceiveCount: "1" },
      eventSource: "aws:sqs",
    }));
    expect(await deadLetters.invoke({ Records })).toEqual({
      batchItemFailures: [{ itemIdentifier: "message-2" }],
    });
    expect((await call("GET", `/v1/edits/${job.id}`)).body.status).toBe("queued");
    expect(await waiting()).toBe(before + 1);
    const counted = deadLetters.log.split("\n").filter((line) => line.includes('"DeadLetters":1'));
    expect(counted.map((line) => JSON.parse(line).Kind).sort()).toEqual(["edit", "unknown"]);
  });
});
