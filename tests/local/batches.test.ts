import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nextRun, requireMinimumGap } from "../../functions/batches/next-run.ts";
import { createAwsClients } from "../../shared/aws/clients.ts";
import { S3ObjectStore } from "../../shared/aws/s3-object-store.ts";
import { createId } from "../../shared/ids.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "./running-service.ts";

let running: RunningService;
let instruction: string;
const options = { steps: 1 };

beforeAll(async () => {
  running = await RunningService.start();
  const before = await running.upload(await picture());
  const after = await running.upload(await picture("png", { red: 10 }));
  const { body } = await running.call(
    "POST",
    "/v1/instructions",
    { pairs: [{ before, after }], steps: 2 },
    { Prefer: "wait=30" },
  );
  instruction = body.id;
});
afterAll(() => running?.stop());

const linesOf = async (url: string) =>
  (await (await fetch(url, { headers: { Authorization: `Bearer ${running.service.key}` } })).text())
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("a batch", () => {
  it("edits a manifest's lines, and reports which succeeded and why others failed", async () => {
    const good = await running.upload(await picture());
    const whole = await picture("jpeg", { width: 64, height: 64 });
    const torn = await running.upload(whole.subarray(0, whole.length - 200), "image/jpeg");
    const missing = createId("upload", 1, randomBytes(10));
    const text = [good, torn, missing]
      .map((image, index) => JSON.stringify({ image, custom_id: `photo ${index}` }))
      .join("\n");
    const manifest = await running.upload(Buffer.from(text), "application/jsonl");
    const { status, body } = await running.call("POST", "/v1/batches", { instruction, manifest, options });
    expect(status).toBe(202);
    const batch = await running.end(`/v1/batches/${body.id}`);
    expect(batch).toMatchObject({
      status: "succeeded",
      counts: { total: 3, succeeded: 1, failed: 2, canceled: 0 },
    });
    const [output] = await linesOf(batch.output_url);
    expect(output).toMatchObject({ line: 0, custom_id: "photo 0", results: [{ width: 32, height: 32 }] });
    const authorized = { headers: { Authorization: `Bearer ${running.service.key}` } };
    const result = await fetch(output.results[0].url, authorized);
    expect([result.status, result.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(new URL(output.results[0].url).pathname).toBe(`/v1/edits/${output.edit}/results/0`);
    const errors = await linesOf(batch.errors_url);
    expect(errors.map(({ custom_id, error }) => [custom_id, error.code])).toEqual([
      ["photo 1", "damaged_image"],
      ["photo 2", "not_ready"],
    ]);
    const usage = await running.watch("/v1/usage", ({ reserved }) => reserved === 0);
    expect(usage.totals.images).toBe(1);
  });

  it("reads only the account's folder of the bucket", async () => {
    const { account, standIns } = running.service;
    const clients = createAwsClients(standIns.aws);
    const objects = new S3ObjectStore(clients.s3, standIns.bucket);
    const bytes = await picture();
    await objects.put(objectKeys.drop(account, "nightly/a.png"), bytes, "image/png");
    await objects.put(objectKeys.drop(account, "nightly/b.txt"), Buffer.from("no picture"), "text/plain");
    await objects.put(objectKeys.drop("acc_another", "nightly/c.png"), bytes, "image/png");
    clients.destroy();
    const { body } = await running.call("POST", "/v1/batches", { instruction, prefix: "nightly/", options });
    const batch = await running.end(`/v1/batches/${body.id}`);
    expect(batch.counts).toEqual({ total: 2, succeeded: 1, failed: 1, canceled: 0 });
    expect(await linesOf(batch.errors_url)).toMatchObject([
      { custom_id: "nightly/b.txt", error: { code: "unsupported_image" } },
    ]);
    const climbing = await running.call("POST", "/v1/batches", {
      instruction,
      prefix: "../acc_another/",
      options,
    });
    expect(climbing.status).toBe(422);
  });

  it("keeps finished results when canceled", async () => {
    const image = await running.upload(await picture());
    const images = Array.from({ length: 24 }, () => image);
    const { body } = await running.call("POST", "/v1/batches", {
      instruction,
      images,
      options: { steps: 50 }, // so slow that a quick machine cannot finish them all before the cancelation
    });
    await running.watch(`/v1/batches/${body.id}`, ({ counts }) => counts.succeeded >= 1);
    await running.call("POST", `/v1/batches/${body.id}/cancel`);
    const batch = await running.end(`/v1/batches/${body.id}`, 120);
    expect(batch.status).toBe("canceled");
    expect(batch.counts.canceled).toBeGreaterThan(0);
    expect(batch.counts.succeeded + batch.counts.canceled).toBe(24);
    expect(await linesOf(batch.output_url)).toHaveLength(batch.counts.succeeded);
  });

  it("runs by schedule, once each time, and not while paused", async () => {
    const images = [await running.upload(await picture())];
    const at = new Date(Date.now() + 1500).toISOString();
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const { body: soon } = await running.call("POST", "/v1/batches", {
      instruction,
      images,
      options,
      schedule: { at },
    });
    expect(soon).toMatchObject({ status: "scheduled", next_run_at: at });
    const { body: rests } = await running.call("POST", "/v1/batches", {
      instruction,
      images,
      options,
      schedule: { at: later },
    });
    expect((await running.call("POST", `/v1/batches/${rests.id}/pause`)).body.status).toBe("paused");
    expect((await running.call("POST", `/v1/batches/${rests.id}/resume`)).body).toMatchObject({
      status: "scheduled",
      next_run_at: later,
    });
    const { data } = await running.watch("/v1/batches", ({ data }) =>
      data.some(
        (batch: { schedule_of?: string; status: string }) =>
          batch.schedule_of === soon.id && batch.status === "succeeded",
      ),
    );
    expect(data.filter((batch: { schedule_of?: string }) => batch.schedule_of === soon.id)).toHaveLength(1);
    expect((await running.call("GET", `/v1/batches/${soon.id}`)).body.status).toBe("succeeded");
  });
});

describe("a schedule", () => {
  it("keeps its hour in its time zone when daylight saving time starts or ends", () => {
    const daily = { cron: "0 3 * * *", time_zone: "Europe/Berlin" };
    const winter = nextRun(daily, Date.parse("2026-03-27T12:00:00Z"));
    const summer = nextRun(daily, Date.parse("2026-03-29T12:00:00Z"));
    expect(new Date(winter!).toISOString()).toBe("2026-03-28T02:00:00.000Z");
    expect(new Date(summer!).toISOString()).toBe("2026-03-30T01:00:00.000Z");
  });

  it.each([
    { cron: "every day" },
    { cron: "0 3 * * *", time_zone: "Mars/Olympus" },
    { cron: "* * * * *" },
    { cron: "30,31 * * * *" },
    { cron: "0,1 * * * *" },
    { cron: "*/7 * * * *" },
    { cron: "58,2 23,0 * * *" },
  ])("rejects %j, which is invalid or runs twice within five minutes", (schedule) => {
    expect(() => requireMinimumGap(schedule)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  it.each(["*/5 * * * *", "0,5 * * * *", "58,2 3 * * *", "0 3 29 2 *", "55 23 * * *"])("takes %s", (cron) => {
    expect(() => requireMinimumGap({ cron })).not.toThrow();
  });
});
