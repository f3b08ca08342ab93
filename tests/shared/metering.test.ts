import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportUsage } from "../../functions/sweep/report-usage.ts";
import { createJsonLog } from "../../shared/json-log.ts";
import { meterKey } from "../../shared/ledger/meter-row.ts";
import { jobDimensions, metrics } from "../../shared/metrics.ts";
import { createStripeMeter } from "../../shared/stripe/stripe-meter.ts";
import { ManualClock } from "../contracts/manual-clock.ts";
import { type LocalWorld, openLocalWorld } from "../local-world.ts";

const clock = new ManualClock(Date.now());
const counted = new Map<string, Record<string, string>>();
let down = false;
let world: LocalWorld;
let server: Server;
let baseUrl: string;

beforeAll(async () => {
  world = await openLocalWorld(clock);
  // Like Stripe: a form, a bearer key, and an identifier that counts once.
  server = createServer(async (request, response) => {
    if (down) return void response.writeHead(503).end();
    if (request.headers.authorization !== "Bearer sk_test_1") return void response.writeHead(401).end();
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    if (counted.has(form.identifier!))
      return void response.writeHead(400).end('{"error":{"code":"duplicate_meter_event"}}');
    counted.set(form.identifier!, form);
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.close();
  await world?.stop();
});

const charge = {
  job: "edt_1",
  customer: "cus_1",
  credits: 1000,
  at: "2026-01-01T00:00:00.000Z",
  attempts: 0,
};

describe("a charge", () => {
  it("is sent to the meter once, also after a connection error or a crash", async () => {
    const { table } = world;
    const key = meterKey("acc_1", charge.job);
    const meter = createStripeMeter({ secretKey: "sk_test_1", eventName: "visii_credits", baseUrl });
    const report = async () => reportUsage({ table, clock, meter }, (await table.get(key))!);
    await table.insert({ ...key, data: charge, due: charge.at });
    down = true;
    await expect(report()).rejects.toMatchObject({ name: "RetryableError" });
    expect((await table.get(key))?.data).toMatchObject({ attempts: 1 });
    down = false;
    await report();
    expect(await table.get(key)).toBeUndefined();
    await table.insert({ ...key, data: charge, due: charge.at });
    await report();
    expect([...counted.values()]).toEqual([
      {
        event_name: "visii_credits",
        identifier: "edt_1",
        timestamp: "1767225600",
        "payload[stripe_customer_id]": "cus_1",
        "payload[value]": "1000",
      },
    ]);
  });

  it("stays unsent if the meter rejects the key", async () => {
    const { table } = world;
    const key = meterKey("acc_1", "edt_2");
    await table.insert({ ...key, data: { ...charge, job: "edt_2" }, due: charge.at });
    const meter = createStripeMeter({ secretKey: "wrong", eventName: "visii_credits", baseUrl });
    const row = (await table.get(key))!;
    await expect(reportUsage({ table, clock, meter }, row)).rejects.toThrow(
      /internal: the meter refused edt_2 with 401/,
    );
    expect(await table.get(key)).toBeDefined();
  });
});

describe("metrics", () => {
  it("are a log line in CloudWatch's format", () => {
    expect(metrics({ JobSeconds: [2, "Seconds"] }, { Kind: "edit" }, 5)).toEqual({
      _aws: {
        Timestamp: 5,
        CloudWatchMetrics: [
          {
            Namespace: "visii",
            Dimensions: [["Stage", "Kind"]],
            Metrics: [{ Name: "JobSeconds", Unit: "Seconds" }],
          },
        ],
      },
      Kind: "edit",
      JobSeconds: 2,
    });
  });

  it("have a value for every dimension, including the stage", () => {
    const lines: string[] = [];
    const log = createJsonLog(
      (line) => lines.push(line),
      () => clock.now(),
      "info",
      "production",
    );
    const dimensions = { Kind: "edit", Status: "failed", Failure: "bad_image" };
    log.info("a job ended", metrics({ Jobs: [1, "Count"] }, dimensions, 5));
    const line = JSON.parse(lines[0]!);
    const [named] = line._aws.CloudWatchMetrics[0].Dimensions;
    expect(named).toEqual(jobDimensions);
    expect(named.map((name: string) => line[name])).toEqual(["production", "edit", "failed", "bad_image"]);
  });
});
