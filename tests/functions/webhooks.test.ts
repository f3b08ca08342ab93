import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createSilentServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sweep } from "../../functions/sweep/sweep.ts";
import { maxConnections } from "../../functions/webhooks/deliver-webhook.ts";
import { deliverQueued, queueDelivery } from "../../functions/webhooks/delivery-queue.ts";
import { createId } from "../../shared/ids.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { publicOnly } from "../../shared/outbound/outbound-policy.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import { systemClock as clock, systemRandom as random } from "../../shared/system-clock.ts";
import { createGuardedSender } from "../../shared/webhooks/guarded-sender.ts";
import { type StoredDelivery, storedDeliverySchema } from "../../shared/webhooks/webhook.ts";
import { Api, type Caller } from "./api.ts";

let api: Api;
let silent: Server;
/** Open connections of the unresponsive server, and their maximum. */
const open = new Set<Socket>();
let [maxOpen, calls] = [0, 0];
/** Longer than the test takes, so that a test which waits for the unresponsive server fails. */
const timeout = 60_000;
const patient = { timeout: 30_000 };

beforeAll(async () => {
  api = await Api.open();
  silent = createSilentServer((socket) => {
    open.add(socket);
    calls++;
    maxOpen = Math.max(maxOpen, open.size);
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  silent?.close();
  await api?.stop();
});

const ports = () => {
  const { table, objects, webhooks } = api.world;
  const sender = createGuardedSender({
    ...publicOnly,
    timeout,
    refuseUrl: () => undefined,
    refuseIp: () => undefined,
  });
  return {
    table,
    objects,
    webhooks,
    clock,
    random,
    sender,
    log: api.ports.log,
    meter: undefined,
    jobs: new JobStore({ ...api.world, clock }),
    ledger: new Ledger(table, clock),
  };
};

const addressOf = (server: { address(): unknown }) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

async function delivery({ account }: Caller, url: string): Promise<string> {
  const due = new Date().toISOString();
  const stored: StoredDelivery = {
    id: createId("delivery", Date.now(), random(10)),
    account,
    url,
    body: "{}",
    type: "edit.succeeded",
    status: "pending",
    attempts: 0,
    created_at: due,
    next_attempt_at: due,
  };
  await api.world.table.insert({ ...rowKeys.resource(account, stored.id), data: stored, due });
  return stored.id;
}

async function read({ account }: Caller, id: string): Promise<StoredDelivery> {
  const row = await api.world.table.get(rowKeys.resource(account, id));
  return parseRow(storedDeliverySchema, row!).data;
}

/** Like the function's event source: several batches of messages at a time. */
async function deliverAll(): Promise<void> {
  const lane = async () => {
    while (await deliverQueued(ports(), api.world.webhooks));
  };
  await Promise.all(Array.from({ length: 5 }, lane));
}

describe("twenty webhooks to a server that does not respond", () => {
  it("do not delay a sweep, which only queues them", async () => {
    const hostile = await api.caller();
    for (let made = 0; made < 20; made++) await delivery(hostile, addressOf(silent));
    expect(await sweep(ports())).toBeGreaterThanOrEqual(20);
    expect(calls).toBe(0);
    expect((await api.world.webhooks.depth()).visible).toBe(20);
    // Already queued.
    await sweep(ports());
    expect((await api.world.webhooks.depth()).visible).toBe(20);
  });

  it("use four connections at a time, and do not delay another account's webhook", async () => {
    let silentOpen: number | undefined;
    const listener = createServer((_, response) => {
      silentOpen = open.size;
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    try {
      const other = await api.caller();
      const theirs = await delivery(other, addressOf(listener));
      await sweep(ports());
      const delivering = deliverAll();
      await expect
        .poll(() => read(other, theirs), patient)
        .toMatchObject({ status: "delivered", attempts: 1 });
      // The maximum, because the first connections may have timed out on a busy machine.
      await expect.poll(() => maxOpen, patient).toBe(maxConnections.account);
      for (const socket of open) socket.destroy();
      await delivering;
      expect(silentOpen).toBeDefined();
      expect(maxOpen).toBe(maxConnections.account);
    } finally {
      listener.close();
    }
  });
});

describe("a server that fails five times in a row", () => {
  it("is not called for a minute; due deliveries record a failed attempt, and a success closes the circuit", async () => {
    const caller = await api.caller();
    let [status, called] = [500, 0];
    const server = createServer((_, response) => {
      called++;
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const deliver = async () => {
        const id = await delivery(caller, addressOf(server));
        await queueDelivery(ports(), caller.account, id);
        await deliverAll();
        const made = await read(caller, id);
        // Retries are not counted here.
        await api.world.table.delete(rowKeys.resource(caller.account, id));
        return made;
      };
      for (let failure = 0; failure < 5; failure++) expect((await deliver()).response_status).toBe(500);
      const unsent = await deliver();
      expect(called).toBe(5);
      expect(unsent).toMatchObject({ status: "pending", attempts: 1 });
      expect(unsent.last_error).toMatch(/^not sent: the last 5 calls to 127\.0\.0\.1:\d+ failed$/);
      // Calls of another account to the same server are counted separately.
      const other = await api.caller();
      const theirs = await delivery(other, addressOf(server));
      status = 204;
      await queueDelivery(ports(), other.account, theirs);
      await deliverAll();
      expect(await read(other, theirs)).toMatchObject({ status: "delivered" });
      // The pause is over.
      const key = rowKeys.circuit(caller.account, new URL(addressOf(server)).host);
      await api.world.table.amend(key, { set: [[["open_until"], new Date(0).toISOString()]] }, []);
      expect((await deliver()).status).toBe("delivered");
      expect(await api.world.table.get(key)).toBeUndefined();
    } finally {
      server.close();
    }
  });
});
