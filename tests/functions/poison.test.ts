import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settleQueued } from "../../functions/settlement/settlement-queue.ts";
import { sweep } from "../../functions/sweep/sweep.ts";
import { deliverQueued } from "../../functions/webhooks/delivery-queue.ts";
import { createJobHandler } from "../../gpu-worker/queue/run-job.ts";
import { RetryableError } from "../../shared/errors.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { publicOnly } from "../../shared/outbound/outbound-policy.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import { parseRow, rowKeys, updateRow } from "../../shared/rows.ts";
import { systemClock as clock, systemRandom as random } from "../../shared/system-clock.ts";
import { createGuardedSender } from "../../shared/webhooks/guarded-sender.ts";
import { verifyWebhook } from "../../shared/webhooks/signing.ts";
import { storedWebhookSchema } from "../../shared/webhooks/webhook.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

interface Heard {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

let api: Api;
let call: Caller;
let listener: Server;
const heard: Heard[] = [];

beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
  listener = createServer(async (request, response) => {
    heard.push({ headers: request.headers as Record<string, string>, body: await text(request) });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  listener?.close();
  await api?.stop();
});

function ports() {
  const { table, objects, queues, webhooks, settlements } = api.world;
  const silent = { info: () => undefined, error: () => undefined };
  const jobs = new JobStore({ table, queues, clock, timing: { ...queueTiming, backoffFirst: 0 } });
  // The listener is on this machine, to which callers' URLs must not point.
  const sender = createGuardedSender({
    ...publicOnly,
    refuseUrl: () => undefined,
    refuseIp: () => undefined,
  });
  const common = { table, objects, clock, random, log: silent, meter: undefined, webhooks, settlements };
  return { ...common, sender, jobs, runs: jobs.runs, ledger: new Ledger(table, clock) };
}

/** A webhook as the API stores it, except that its URL is on this machine. */
async function hook(): Promise<{ readonly id: string; readonly secret: string }> {
  const { body } = await call("POST", "/v1/webhooks", { url: "https://example.com/hook" });
  const { port } = listener.address() as AddressInfo;
  await updateRow(api.world.table, rowKeys.resource(call.account, body.id), storedWebhookSchema, (row) => ({
    data: { ...row, url: `http://127.0.0.1:${port}/` },
  }));
  return body;
}

/** A job that fails every attempt until it has failed too often; then the sweeper runs. */
async function poisoned(): Promise<string> {
  const images = [await api.upload(call, await picture())];
  const { body } = await call("POST", "/v1/edits", { text: "sepia", images });
  const handle = createJobHandler(ports(), () =>
    Promise.reject(new RetryableError("the device fell off the bus")),
  );
  const { queues } = api.world;
  for (let outcome: unknown; outcome !== "done"; ) {
    const options = { maximum: 1, waitSeconds: 1, visibilitySeconds: 60 };
    for (const message of await queues.interactive.receive(options)) {
      outcome = await handle(message, new AbortController().signal);
      if (outcome === "done") await queues.interactive.delete(message.receipt);
      else await queues.interactive.extend(message.receipt, 0);
    }
  }
  await settleQueued(ports(), api.world.settlements, 1);
  await sweep(ports());
  while (await deliverQueued(ports(), api.world.webhooks));
  return body.id;
}

describe("a job that breaks every worker", () => {
  it("fails with a reason after five attempts, releases its credits, and notifies the webhook", async () => {
    const { secret } = await hook();
    const { balance } = (await call("GET", "/v1/usage")).body;
    const id = await poisoned();
    const { body: edit } = await call("GET", `/v1/edits/${id}`);
    const message =
      "The job failed 5 times, the last time because the device fell off the bus; create it again.";
    expect(edit).toMatchObject({ status: "failed", error: { code: "gave_up", message } });
    expect((await call("GET", "/v1/usage")).body).toMatchObject({ balance, reserved: 0 });
    const { headers, body } = heard.at(-1)!;
    expect(verifyWebhook(secret, headers, body, clock.now())).toMatchObject({
      type: "edit.failed",
      data: { id, status: "failed", error: { code: "gave_up", message } },
    });
  });

  it("is signed with the old and the new secret for a day after a rotation, then only with the new one", async () => {
    const { id, secret } = await hook();
    const rotated = await call("POST", `/v1/webhooks/${id}/rotate`);
    expect(rotated.body.secret).toMatch(/^whsec_/);
    expect(rotated.body.secret).not.toBe(secret);
    expect(JSON.stringify((await call("GET", "/v1/webhooks")).body)).not.toContain("whsec_");
    await poisoned();
    const told = heard.filter(({ headers }) => headers["webhook-signature"]?.includes(" "));
    expect(told).toHaveLength(1);
    const [{ headers, body }] = told as [Heard];
    for (const known of [secret, rotated.body.secret])
      expect(verifyWebhook(known, headers, body, clock.now())).toMatchObject({ type: "edit.failed" });
    const row = await api.world.table.get(rowKeys.resource(call.account, id));
    const { previous } = parseRow(storedWebhookSchema, row!).data;
    expect(Date.parse(previous!.until) - clock.now()).toBeGreaterThan(23.9 * 3_600_000);
    await updateRow(api.world.table, rowKeys.resource(call.account, id), storedWebhookSchema, (hook) => ({
      data: { ...hook, previous: { ...previous!, until: new Date(clock.now() - 1).toISOString() } },
    }));
    heard.length = 0;
    await poisoned();
    const alone = heard.map(
      ({ headers, body }) =>
        () =>
          verifyWebhook(secret, headers, body, clock.now()),
    );
    expect(alone).toHaveLength(2);
    for (const verify of alone) expect(verify).toThrow("signature");
    const anew = heard.filter(({ headers, body }) => {
      try {
        return verifyWebhook(rotated.body.secret, headers, body, clock.now());
      } catch {
        return false;
      }
    });
    expect(anew).toHaveLength(1);
  });

  it("has one secret per account for the URLs of jobs, which keys with the scope can read and rotate", async () => {
    const { body: own } = await call("GET", "/v1/webhooks/secret");
    const { body: next } = await call("POST", "/v1/webhooks/secret/rotate");
    expect([own.secret, next.secret]).toEqual([
      expect.stringMatching(/^whsec_/),
      expect.stringMatching(/^whsec_/),
    ]);
    expect((await call("GET", "/v1/webhooks/secret")).body).toEqual(next);
    const reader = await api.caller(0, ["read", "write"]);
    expect((await reader("GET", "/v1/webhooks/secret")).status).toBe(403);
  });
});
