import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAwsClients } from "../../shared/aws/clients.ts";
import { S3ObjectStore } from "../../shared/aws/s3-object-store.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { lyingNoise, picture } from "../functions/test-images.ts";
import { slowJpeg } from "../gpu-worker/hostile-images.ts";
import { RunningService } from "./running-service.ts";

let running: RunningService;
let objects: ObjectStore;
let close: () => void;
beforeAll(async () => {
  running = await RunningService.start({ environment: { VISII_DECODE_LIMIT: "2" } });
  const { aws, bucket } = running.service.standIns;
  const { s3, destroy } = createAwsClients(aws);
  objects = new S3ObjectStore(s3, bucket);
  close = destroy;
});
afterAll(async () => {
  close?.();
  await running?.stop();
});

/** Creates an edit of an upload. @returns its path */
async function startEdit(image: string, key?: string): Promise<string> {
  const edit = { text: "sepia", images: [image], steps: 1 };
  const { body } = await running.call("POST", "/v1/edits", edit, {}, key);
  return `/v1/edits/${body.id}`;
}

describe("an image that takes too long to decode", () => {
  it("fails its own job at once, costs nothing, and leaves the worker to others", async () => {
    const other = await running.openAccount();
    const { balance } = (await running.call("GET", "/v1/usage")).body;
    const pids = running.service.workers.map(({ computePids }) => computePids);
    const slow = await running.upload(slowJpeg(7000, 2), "image/jpeg");
    const bad = await startEdit(slow);
    const good = await startEdit(await running.upload(await picture(), "image/png", other), other);
    expect(await running.end(bad, 120)).toMatchObject({
      status: "failed",
      error: {
        code: "image_too_complex",
        message: expect.stringMatching(/^Image 1 takes more than (2 s of processor time|8 s) to decode/),
      },
    });
    expect((await running.end(good, 120, other)).status).toBe("succeeded");
    expect(running.service.workers.map(({ computePids }) => computePids)).toEqual(pids);
    const after = await running.watch("/v1/usage", ({ reserved }) => reserved === 0);
    expect(after.balance).toBe(balance);
    expect(await objects.list("normalized/", 10)).toHaveLength(1);
  }, 240_000);

  it("is refused by its scans, also if it hides them behind a marker without a length", async () => {
    const slow = await running.upload(slowJpeg(7000, 63, true), "image/jpeg");
    expect(await running.end(await startEdit(slow), 120)).toMatchObject({
      status: "failed",
      error: { code: "image_too_complex", message: expect.stringMatching(/2647 scans/) },
    });
  }, 240_000);
});

describe("an image that is larger than its header states", () => {
  it("fails its job before its results exceed what was reserved for them", async () => {
    const settled = () => running.watch("/v1/account", ({ reserved }) => reserved === 0);
    const before = (await settled()).stored_bytes;
    const lying = await lyingNoise(1000);
    const ended = await running.end(await startEdit(await running.upload(lying, "image/avif")), 120);
    expect(ended).toMatchObject({
      status: "failed",
      error: { code: "unprocessable", message: expect.stringMatching(/^The results take more than 2113/) },
      results: [],
    });
    expect((await settled()).stored_bytes).toBe(before + lying.length);
  }, 240_000);
});

describe("an upload", () => {
  it("is decoded once, and its image is deleted with it", async () => {
    const { account } = running.service;
    const image = await running.upload(await picture());
    const resultOf = async () => {
      const { results, error } = await running.end(await startEdit(image), 120);
      expect(error).toBeUndefined();
      return Buffer.from(await (await fetch(results[0].url)).arrayBuffer());
    };
    const first = await resultOf();
    const key = objectKeys.normalized(account, image);
    expect((await objects.get(key))?.subarray(1, 4).toString()).toBe("80,78,71");
    // Decoding the original again would fail.
    await objects.put(objectKeys.input(account, image), Buffer.from("not an image"), "image/png");
    expect((await resultOf()).equals(first)).toBe(true);
    expect((await running.call("DELETE", `/v1/uploads/${image}`)).status).toBe(204);
    expect(await objects.size(key)).toBeUndefined();
  }, 240_000);
});
