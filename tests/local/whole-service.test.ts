import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lyingBomb, picture } from "../functions/test-images.ts";
import { RunningService } from "./running-service.ts";

let running: RunningService;
beforeAll(async () => {
  running = await RunningService.start();
});
afterAll(() => running?.stop());

/** Starts learning and returns the instruction's id. */
async function learned(steps = 6, options: object = {}): Promise<string> {
  const before = await running.upload(await picture("png", { width: 48, height: 40 }));
  const after = await running.upload(await picture("jpeg", { width: 48, height: 40, red: 40 }), "image/jpeg");
  const { body } = await running.call("POST", "/v1/instructions", {
    pairs: [{ before, after }],
    ...options,
    steps,
    name: "dim",
  });
  return body.id;
}

describe("the service on one machine", () => {
  it("starts links with the address it listens on, whatever Host a request names", async () => {
    const { url, key } = running.service;
    const image = await running.upload(await picture());
    const headers = {
      Host: "forged.example",
      "X-Forwarded-Host": "forged.example",
      "X-Forwarded-Proto": "https",
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
    };
    const body = await new Promise<string>((resolve, reject) => {
      const sending = request(`${url}/v1/edits`, { method: "POST", headers }, (answer) =>
        text(answer).then(resolve, reject),
      );
      sending.once("error", reject);
      sending.end(JSON.stringify({ text: "sepia", images: [image], steps: 1 }));
    });
    const edit = JSON.parse(body);
    expect(edit.urls.self).toBe(`${url}/v1/edits/${edit.id}`);
    expect(body).not.toContain("forged.example");
  });

  it("learns from a pair, edits photos, returns signed links, and charges the usage", async () => {
    const earlier = await running.watch("/v1/usage", ({ reserved }) => reserved === 0);
    const id = await learned();
    const instruction = await running.end(`/v1/instructions/${id}`);
    expect(instruction.error).toBeUndefined();
    expect(instruction).toMatchObject({ status: "succeeded", usage: { steps: 6, images: 0, credits: 300 } });
    expect(instruction.losses).toHaveLength(6);
    expect(instruction.caption).toEqual(expect.any(String));
    const file = Buffer.from(await (await fetch(instruction.file_url)).arrayBuffer());
    expect(file.length).toBeGreaterThan(500);
    expect((await fetch(instruction.preview_url)).headers.get("content-type")).toBe("image/jpeg");
    expect((await fetch(instruction.thumbnail_url)).headers.get("content-type")).toBe("image/jpeg");
    // This pair only changes colors.
    const table = await fetch(instruction.lut_url);
    expect(table.headers.get("content-disposition")).toContain("dim.cube");
    expect(await table.text()).toContain("LUT_3D_SIZE 33");
    expect(instruction.text_guidance).toEqual(expect.any(Number));

    const images = [
      await running.upload(await picture("png", { width: 60, height: 36 })),
      await running.upload(await picture("webp", { width: 36, height: 60 }), "image/webp"),
    ];
    const posted = await running.call(
      "POST",
      "/v1/edits",
      { instruction: id, images, steps: 2, format: "jpeg" },
      { Prefer: "wait=20" },
    );
    expect(posted.body).toMatchObject({ status: "succeeded", usage: { images: 2, credits: 2000 } });
    const sizes = [];
    for (const { url, width, height } of posted.body.results) {
      const metadata = await sharp(Buffer.from(await (await fetch(url)).arrayBuffer())).metadata();
      expect([metadata.width, metadata.height, metadata.format]).toEqual([width, height, "jpeg"]);
      sizes.push([width, height]);
    }
    expect(sizes).toEqual([
      [60, 36],
      [36, 60],
    ]);

    const usage = await running.watch("/v1/usage", ({ reserved }) => reserved === 0);
    expect(usage).toMatchObject({
      balance: earlier.balance - 2300,
      totals: { jobs: earlier.totals.jobs + 2, images: earlier.totals.images + 2 },
    });

    // The file is downloaded and imported as the same instruction.
    const upload = await running.upload(file, "application/vnd.visii");
    const brought = await running.call(
      "POST",
      "/v1/instructions/import",
      { upload, name: "back" },
      { Prefer: "wait=20" },
    );
    expect(brought.body).toMatchObject({ status: "succeeded", name: "back", caption: instruction.caption });
    const again = Buffer.from(await (await fetch(brought.body.file_url)).arrayBuffer());
    const tokensOf = (bytes: Buffer) => bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
    expect(tokensOf(again).equals(tokensOf(file))).toBe(true);

    expect((await running.call("DELETE", `/v1/instructions/${id}`)).status).toBe(204);
    for (const url of [instruction.file_url, instruction.thumbnail_url, instruction.lut_url])
      expect((await fetch(url)).status).toBe(404);
  });

  it("edits an iPhone's HEIC photo, and keeps of it what the request asks for", async () => {
    const photo = await readFile(new URL("../fixtures/heic/iphone.heic", import.meta.url));
    const image = await running.upload(photo, "image/heic");
    const results = [];
    for (const options of [
      {},
      { photo_metadata: "keep", color_profile: "keep" },
      { photo_metadata: "strip" },
    ] as const) {
      const body = { text: "make it sepia", images: [image], steps: 1, format: "jpeg", ...options };
      const { id } = (await running.call("POST", "/v1/edits", body)).body;
      const edit = await running.end(`/v1/edits/${id}`, 120);
      expect(edit).toMatchObject({ status: "succeeded", results: [{ width: 840, height: 1120 }] });
      const bytes = Buffer.from(await (await fetch(edit.results[0].url)).arrayBuffer());
      const { exif, icc } = await sharp(bytes).metadata();
      const text = exif?.toString("latin1") ?? "";
      const date = text.includes("2026:05:06 07:08:09");
      // The position of the GPS directory (tag 0x8825).
      const place = exif?.includes(Buffer.from([0x88, 0x25])) || exif?.includes(Buffer.from([0x25, 0x88]));
      results.push({ date, place: place ?? false, profile: icc !== undefined });
    }
    expect(results).toEqual([
      { date: true, place: false, profile: false },
      { date: true, place: true, profile: true },
      { date: false, place: false, profile: false },
    ]);
  });

  it("learns keys and values on request, edits with them, and imports the file again", async () => {
    const instruction = await running.end(`/v1/instructions/${await learned(3, { space: "kv" })}`);
    expect(instruction).toMatchObject({ status: "succeeded", usage: { steps: 3 } });
    const file = Buffer.from(await (await fetch(instruction.file_url)).arrayBuffer());
    const header = file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString();
    expect(Object.keys(JSON.parse(header))).toContain(
      "mid_block.attentions.0.transformer_blocks.0.attn2.keys",
    );
    const wait = { Prefer: "wait=20" };
    const images = [await running.upload(await picture())];
    const edit = { instruction: instruction.id, images, steps: 1 };
    expect((await running.call("POST", "/v1/edits", edit, wait)).body.status).toBe("succeeded");
    const upload = await running.upload(file, "application/vnd.visii");
    const brought = await running.call("POST", "/v1/instructions/import", { upload }, wait);
    expect(brought.body).toMatchObject({ status: "succeeded", caption: instruction.caption });
  });

  it("learns with the learning rate, guidance and CLIP weight of the request", async () => {
    const infoOf = async (options: object) => {
      const instruction = await running.end(`/v1/instructions/${await learned(2, options)}`);
      const file = Buffer.from(await (await fetch(instruction.file_url)).arrayBuffer());
      const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString());
      return { instruction, info: JSON.parse(header.__metadata__.visii) };
    };
    const guidance = { text_guidance: 1.5, image_guidance: 1.25 };
    const [first, second] = [
      await infoOf({ ...guidance, learning_rate: 0.01, clip_weight: 0 }),
      await infoOf({ ...guidance, learning_rate: 0.01, clip_weight: 5 }),
    ];
    expect(first.info.hyperParameters).toMatchObject({
      learningRate: 0.01,
      textGuidance: 1.5,
      imageGuidance: 1.25,
    });
    expect(first.instruction.text_guidance).toBe(1.5);
    expect(first.info.losses.first).not.toBe(second.info.losses.first);
    const before = await running.upload(await picture());
    const refused = await running.call("POST", "/v1/instructions", {
      pairs: [{ before, after: before }],
      space: "kv",
      clip_weight: 0.1,
    });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain("clip_weight");
  });

  it("fails the import of an invalid file with the engine's message, and continues", async () => {
    const instruction = await running.end(`/v1/instructions/${await learned(2)}`);
    const file = Buffer.from(await (await fetch(instruction.file_url)).arrayBuffer());
    const begin = 8 + Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.subarray(8, begin).toString());
    const [name] = Object.keys(header).filter((key) => key !== "__metadata__");
    const framed = (text: string, rest: Uint8Array) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
      return Buffer.concat([length, Buffer.from(text), rest]);
    };
    const changed = (tensor: object) =>
      framed(JSON.stringify({ ...header, [name!]: { ...header[name!], ...tensor } }), file.subarray(begin));
    const notANumber = Buffer.from(file);
    notANumber.writeFloatLE(Number.NaN, begin);
    const hostile = {
      "not a number": notANumber,
      "a shape of more than there is": changed({ shape: [2 ** 30, 2 ** 30] }),
      "bytes beyond its end": changed({ data_offsets: [0, 2 ** 40] }),
      "a header of brackets": framed(`{"a":${"[".repeat(200_000)}`, Buffer.alloc(8)),
      "half of it": file.subarray(0, begin + 8),
      "more than it says": Buffer.concat([file, Buffer.alloc(64)]),
    };
    for (const [what, bytes] of Object.entries(hostile)) {
      const upload = await running.upload(bytes, "application/vnd.visii");
      const { body } = await running.call(
        "POST",
        "/v1/instructions/import",
        { upload },
        { Prefer: "wait=20" },
      );
      expect([what, body.status, body.error?.code]).toEqual([what, "failed", "invalid_instruction"]);
      expect(body.error.message).toMatch(/^The file /);
      expect(body.error.message).not.toMatch(/visii-|\/tmp|node_modules/);
    }
    const upload = await running.upload(file, "application/vnd.visii");
    const { body } = await running.call("POST", "/v1/instructions/import", { upload }, { Prefer: "wait=20" });
    expect(body.status).toBe("succeeded");
  });

  it("warns of a pair without an edit in the finished instruction", async () => {
    const upload = await running.upload(await picture());
    const pairs = [{ before: upload, after: upload }];
    const { body } = await running.call("POST", "/v1/instructions", { pairs, steps: 2 });
    const instruction = await running.end(`/v1/instructions/${body.id}`);
    expect(instruction).toMatchObject({ status: "succeeded" });
    expect(instruction.warnings).toContainEqual(
      expect.stringMatching(/^The before image of pair 1 and .* are nearly identical/),
    );
  });

  it("fails a job whose image only the decoder can reject, with its reason, and charges nothing", async () => {
    const whole = await picture("jpeg", { width: 64, height: 64 });
    const torn = await running.upload(whole.subarray(0, whole.length - 200), "image/jpeg");
    const { balance } = (await running.call("GET", "/v1/usage")).body;
    const { body } = await running.call("POST", "/v1/edits", { text: "sepia", images: [torn] });
    const edit = await running.end(`/v1/edits/${body.id}`);
    expect(edit).toMatchObject({ status: "failed", error: { code: "damaged_image" } });
    // Its header states another size than it has.
    const bomb = await running.upload(await lyingBomb(), "image/avif");
    const { body: blown } = await running.call("POST", "/v1/edits", { text: "sepia", images: [bomb] });
    expect(await running.end(`/v1/edits/${blown.id}`)).toMatchObject({
      status: "failed",
      error: { code: "image_too_large" },
    });
    const after = await running.watch("/v1/usage", ({ reserved }) => reserved === 0);
    expect(after.balance).toBe(balance);
  });

  it("stops a running job between two steps, and edits while another job learns", async () => {
    const id = await learned(2000);
    await running.watch(`/v1/instructions/${id}`, ({ progress }) => progress?.stage === "learn");
    const images = [await running.upload(await picture())];
    const edit = await running.call(
      "POST",
      "/v1/edits",
      { text: "sepia", images, steps: 2 },
      { Prefer: "wait=20" },
    );
    expect(edit.body.status).toBe("succeeded");
    expect((await running.call("GET", `/v1/instructions/${id}`)).body.status).toBe("running");
    await running.call("POST", `/v1/instructions/${id}/cancel`);
    expect((await running.end(`/v1/instructions/${id}`, 10)).status).toBe("canceled");
  });

  it("sends a signed webhook once, and retries it if it failed", async () => {
    const { verifyWebhook } = await import("../../shared/webhooks/signing.ts");
    const heard: { headers: Record<string, string>; body: string }[] = [];
    const listener = createServer(async (request, response) => {
      heard.push({ headers: request.headers as Record<string, string>, body: await text(request) });
      response.writeHead(heard.length === 1 ? 503 : 204).end();
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = listener.address() as AddressInfo;
      // Only the local service allows webhooks to this machine.
      const { body: hook } = await running.call("POST", "/v1/webhooks", {
        url: `http://127.0.0.1:${port}/`,
        events: ["edit.succeeded"],
      });
      const images = [await running.upload(await picture())];
      const { body } = await running.call("POST", "/v1/edits", { text: "sepia", images, steps: 1 });
      await running.end(`/v1/edits/${body.id}`);
      await expect.poll(() => heard.length, { timeout: 15_000 }).toBe(2);
      const { headers, body: payload } = heard[1]!;
      expect(verifyWebhook(hook.secret, headers, payload, Date.now())).toMatchObject({
        type: "edit.succeeded",
        data: { id: body.id, status: "succeeded" },
      });
      expect(headers["webhook-id"]).toBe(heard[0]!.headers["webhook-id"]);
      const deliveries = await running.watch(
        "/v1/webhooks/deliveries",
        ({ data }) => data[0].status === "delivered",
      );
      expect(deliveries.data[0]).toMatchObject({ attempts: 2, response_status: 204 });
    } finally {
      listener.closeAllConnections();
      listener.close();
    }
  });
});
