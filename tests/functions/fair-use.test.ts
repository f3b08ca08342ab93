import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { advanceBatch } from "../../functions/batches/advance-batch.ts";
import { ConnectionLimit } from "../../functions/connection-limit.ts";
import { maxUnknownKeys } from "../../functions/middleware/unknown-keys.ts";
import { createKeySecret, keySecretBytes } from "../../shared/accounts/api-key.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { batchPace } from "../../shared/batch-pace.ts";
import { lastEventId } from "../../shared/jobs/job-events.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import type { Table } from "../../shared/ports/table.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import { storedBatchSchema } from "../../shared/resources/batch.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import { systemClock, systemRandom } from "../../shared/system-clock.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller, stoppedClock } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let images: string[];
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
  images = [await api.upload(call, await picture())];
});
afterAll(() => api?.stop());

/** A separate app whose reads of the table are counted. */
function countingApp() {
  let reads = 0;
  const table = new Proxy<Table>(api.world.table, {
    get(target, name: keyof Table) {
      if (name === "get") reads++;
      return target[name].bind(target);
    },
  });
  const app = createApp({ ...api.ports, table, clock: stoppedClock() });
  const ask = async (secret: string, address: string) => {
    const answer = await app.request("/v1/edits", {
      headers: { Authorization: `Bearer ${secret}`, "X-Forwarded-For": `198.51.100.1, ${address}` },
    });
    return answer.status;
  };
  return { ask, reads: () => reads };
}
const inventedKey = () => createKeySecret("test", systemRandom(keySecretBytes));

describe("the rate limit", () => {
  it("applies to the account: a new key does not reset it", async () => {
    const strict = await Api.openStopped({ requestsPerMinute: 3 });
    try {
      const first = await strict.caller();
      const { body } = await first("POST", "/v1/keys", { scopes: ["read"] });
      const second = strict.as(first.account, body.secret);
      const statuses = [];
      for (const caller of [second, first, second, first])
        statuses.push((await caller("GET", "/v1/edits")).status);
      expect(statuses).toEqual([200, 200, 429, 429]);
    } finally {
      await strict.stop();
    }
  });

  it("limits invented keys by IP address before reading the table", async () => {
    const { ask, reads } = countingApp();
    const statuses: number[] = [];
    for (let made = 0; made < maxUnknownKeys + 40; made++)
      statuses.push(await ask(inventedKey(), "203.0.113.9"));
    expect(statuses.filter((status) => status === 401)).toHaveLength(maxUnknownKeys);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40);
    expect(reads()).toBe(maxUnknownKeys);
  });

  it("limits them also when they are concurrent, and limits no other address", async () => {
    const { ask, reads } = countingApp();
    const all = Array.from({ length: maxUnknownKeys + 40 }, () => ask(inventedKey(), "203.0.113.9"));
    const statuses = await Promise.all(all);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40);
    expect(reads()).toBe(maxUnknownKeys);
    expect(await ask(call.secret, "203.0.113.10")).toBe(200);
  });

  it("does not count or limit valid keys, from any address", async () => {
    const { ask } = countingApp();
    for (let asked = 0; asked < maxUnknownKeys + 1; asked++)
      expect(await ask(call.secret, "203.0.113.9")).toBe(200);
    for (let made = 0; made < maxUnknownKeys; made++) await ask(inventedKey(), "203.0.113.9");
    expect(await ask(inventedKey(), "203.0.113.9")).toBe(429);
    expect(await ask(call.secret, "203.0.113.9")).toBe(200);
  });
});

describe("a stream of events", () => {
  it("returns 204 after the last event, so that a browser's EventSource stops", async () => {
    const { body } = await call("POST", "/v1/edits", { text: "sepia", images });
    const path = `/v1/edits/${body.id}/events`;
    await call("POST", `/v1/edits/${body.id}/cancel`);
    const whole = await call("GET", path);
    const ids = [...whole.body.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
    expect([whole.status, ids.at(-1)]).toEqual([200, lastEventId]);
    const again = await call("GET", path, undefined, { "Last-Event-ID": lastEventId });
    expect([again.status, again.body]).toEqual([204, ""]);
  });
});

describe("an account's open connections", () => {
  it("are limited, streams and waits together, and are released when they end", async () => {
    const narrow = await Api.open({ heldConnections: 3, longestStream: 2, longestWait: 2 });
    try {
      const [caller, other] = [await narrow.caller(), await narrow.caller()];
      const edit = async (caller: Caller) => {
        const image = await narrow.upload(caller, await picture());
        return (await caller("POST", "/v1/edits", { text: "sepia", images: [image] })).body.id;
      };
      const [mine, theirs] = [await edit(caller), await edit(other)];
      const follow = (caller: Caller, id: string) => caller("GET", `/v1/edits/${id}/events`);
      const wait = { Prefer: "wait=2" };
      const held = [
        follow(caller, mine),
        follow(caller, mine),
        caller("GET", `/v1/edits/${mine}`, undefined, wait),
      ];
      await systemClock.sleep(500);
      const refused = await follow(caller, mine);
      expect([refused.status, refused.body.code]).toEqual([429, "too_many_streams"]);
      expect(refused.headers.get("retry-after")).toBe("5");
      const atOnce = await caller("GET", `/v1/edits/${mine}`, undefined, wait);
      expect([atOnce.status, atOnce.headers.get("preference-applied")]).toEqual([200, null]);
      // Another account has its own limit.
      const beside = follow(other, theirs);
      expect((await Promise.all([...held, beside])).map(({ status }) => status)).toEqual([
        200, 200, 200, 200,
      ]);
      await expect.poll(async () => (await follow(caller, mine)).status).toBe(200);
    } finally {
      await narrow.stop();
    }
  });

  it("stay within the limit when they are concurrent, and are released after a process crashed", async () => {
    let now = Date.now();
    const clock = { ...systemClock, now: () => now };
    const table = new DynamoTable(api.world.clients.dynamo, api.world.standIns.table, clock);
    const limit = new ConnectionLimit({ table, clock, random: systemRandom }, 5);
    const taken = await Promise.all(Array.from({ length: 40 }, () => limit.take("account", 50)));
    const count = taken.filter(Boolean).length;
    expect(count).toBeLessThanOrEqual(5);
    const rest = await Promise.all(Array.from({ length: 5 - count }, () => limit.take("account", 50)));
    expect(await limit.take("account", 50)).toBeUndefined();
    expect(rest).toHaveLength(5 - count);
    now += 60_000;
    expect(await limit.take("account", 50)).toBeDefined();
  });
});

describe("metadata", () => {
  it("accepts any key that matches the pattern, also names of JavaScript's own properties", async () => {
    const metadata = { constructor: "x", toString: "y", "shop.order-id:7": "z" };
    const { status, body } = await call("POST", "/v1/edits", { text: "sepia", images, metadata });
    expect([status, body.metadata]).toEqual([202, metadata]);
    expect((await call("GET", `/v1/edits/${body.id}`)).body.metadata).toEqual(metadata);
  });

  it.each(["", "a b", "k\u0000", "é", "-x", "x".repeat(65)])("refuses the key %j", async (key) => {
    const request = `{"text":"sepia","images":${JSON.stringify(images)},"metadata":{${JSON.stringify(key)}:"x"}}`;
    const { status, body } = await call("POST", "/v1/edits", request);
    expect([status, body.code]).toEqual([422, "invalid_request"]);
  });
});

it("the API schedules the next check of a queued job by the configured timing", async () => {
  const timing = { ...queueTiming, queuedCheck: 7 };
  const app = createApp({ ...api.ports, timing });
  const answer = await app.request("/v1/edits", {
    method: "POST",
    headers: { Authorization: `Bearer ${call.secret}`, "Content-Type": "application/json" },
    body: JSON.stringify({ text: "sepia", images }),
  });
  const { id, created_at } = (await answer.json()) as { id: string; created_at: string };
  const row = await api.world.table.get(rowKeys.run(call.account, id));
  expect(Date.parse(row!.due!) - Date.parse(created_at)).toBeLessThan(10_000);
});

describe("a batch", () => {
  it("of forty lines does not delay its account's interactive edits", async () => {
    const caller = await api.caller(10_000_000, ["read", "write"], 5);
    const image = await api.upload(caller, await picture());
    const batch = await learnedBatch(
      caller,
      Array.from({ length: 40 }, () => image),
    );
    for (let look = 0; look < 2; look++) await advanceBatch(sweepPorts(), caller.account, batch);
    expect((await sweepPorts().ledger.balance(caller.account))?.open.bulk).toBe(40);
    const statuses = [];
    for (let made = 0; made < 6; made++)
      statuses.push((await caller("POST", "/v1/edits", { text: "sepia", images: [image] })).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
  });

  it("waits when its account's other jobs have reached the limit, and loses no line", async () => {
    const caller = await api.caller(10_000_000);
    const image = await api.upload(caller, await picture());
    const othersOpen = (change: number) =>
      api.world.table.amend(rowKeys.balance(caller.account), { add: [[["open", "bulk"], change]] }, []);
    await othersOpen(batchPace.window - 1);
    const batch = await learnedBatch(caller, [image, image, image]);
    const submitted = async () => {
      await advanceBatch(sweepPorts(), caller.account, batch);
      const row = await api.world.table.get(rowKeys.resource(caller.account, batch));
      return parseRow(storedBatchSchema, row!).data.submitted;
    };
    await submitted();
    expect(await submitted()).toBe(1);
    await othersOpen(-2);
    expect(await submitted()).toBe(3);
    expect(await api.world.table.query(rowKeys.batchLine(batch, 0).pk, { limit: 10 })).toEqual([]);
  });
});

const sweepPorts = () => ({
  table: api.world.table,
  objects: api.world.objects,
  clock: systemClock,
  random: systemRandom,
  jobs: new JobStore({ ...api.world, clock: systemClock }),
  ledger: new Ledger(api.world.table, systemClock),
  log: api.ports.log,
  meter: undefined,
  webhooks: api.world.webhooks,
});

/** A batch with an instruction that is stored as learned. */
async function learnedBatch(caller: Caller, images: readonly string[]): Promise<string> {
  const [before] = images;
  const pairs = [{ before, after: before }];
  const { body: instruction } = await caller("POST", "/v1/instructions", { pairs });
  await endJob(sweepPorts(), caller.account, instruction.id, { status: "succeeded" });
  const { body } = await caller("POST", "/v1/batches", { instruction: instruction.id, images });
  return body.id;
}
