import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Api, type Caller, postForm } from "./api.ts";
import { heicPhoto, picture } from "./test-images.ts";

let api: Api;
let call: Caller;
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
});
afterAll(() => api?.stop());

/** Stores bytes with a declared type, bypassing the form's own checks. */
async function complete(bytes: Uint8Array, type = "image/png") {
  const { body: form } = await call("POST", "/v1/uploads", {
    content_type: type,
    bytes: Math.max(1, bytes.length),
  });
  const sent = await postForm(form, bytes);
  if (!sent.ok) await api.world.objects.put(form.fields.key, bytes, type);
  return call("POST", `/v1/uploads/${form.id}/complete`);
}

describe("an upload", () => {
  it.each(["png", "jpeg", "webp", "avif", "tiff"] as const)(
    "accepts a %s and returns its size and hash",
    async (format) => {
      const bytes = await picture(format, { width: 40, height: 24 });
      const { status, body } = await complete(bytes, `image/${format}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: "ready", bytes: bytes.length, width: 40, height: 24 });
      expect(body.sha256).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  it("accepts a HEIC photo", async () => {
    const { status, body } = await complete(await heicPhoto(), "image/heic");
    expect([status, body.content_type, body.status]).toEqual([200, "image/heic", "ready"]);
  });

  it.each(["iphone", "iphone-ten-bits"])(
    "accepts %s.heic and returns the photo's size, not a tile's",
    async (name) => {
      const bytes = await readFile(new URL(`../fixtures/heic/${name}.heic`, import.meta.url));
      const { status, body } = await complete(bytes, "image/heic");
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: "ready", bytes: bytes.length, width: 1120, height: 840 });
    },
  );

  it("can be completed once, and the form cannot change it afterwards", async () => {
    const bytes = await picture();
    const { body: form } = await call("POST", "/v1/uploads", { content_type: "image/png", bytes: 100_000 });
    await postForm(form, bytes);
    const first = await call("POST", `/v1/uploads/${form.id}/complete`);
    await postForm(form, await picture("png", { red: 3 }));
    const again = await call("POST", `/v1/uploads/${form.id}/complete`);
    expect(again.body).toEqual(first.body);
    const { objectKeys } = await import("../../shared/object-keys.ts");
    const kept = await api.world.objects.get(objectKeys.input(call.account, form.id));
    expect(Buffer.from(kept!).equals(bytes)).toBe(true);
  });

  it("is refused with `upload_missing` before the file has arrived", async () => {
    const { body: form } = await call("POST", "/v1/uploads", { content_type: "image/png", bytes: 10 });
    const { status, body } = await call("POST", `/v1/uploads/${form.id}/complete`);
    expect([status, body.code]).toEqual([409, "upload_missing"]);
  });

  it("refuses by its bytes a wrong type, a truncated file, SVG, HTML, an empty file and a decompression bomb", async () => {
    const png = await picture();
    const bomb = Buffer.from(png);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const codes = [
      (await complete(await picture("jpeg"))).body.code,
      (await complete(png.subarray(0, 15))).body.code,
      (await complete(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>'))).body.code,
      (await complete(Buffer.from("<html><script>alert(1)</script>"))).body.code,
      (await complete(new Uint8Array())).body.code,
      (await complete(bomb)).body.code,
    ];
    expect(codes).toEqual([
      "invalid_upload",
      "unsupported_image",
      "unsupported_image",
      "unsupported_image",
      "invalid_upload",
      "image_too_large",
    ]);
  });

  it("refuses a file that is larger than the limit, without reading it", async () => {
    const big = Buffer.concat([await picture(), Buffer.alloc(6 * 1024 * 1024)]);
    const { body: form } = await call("POST", "/v1/uploads", { content_type: "image/png", bytes: 1000 });
    expect((await postForm(form, big)).status).toBe(403);
    const wished = await call("POST", "/v1/uploads", { content_type: "image/png", bytes: 1e9 });
    expect([wished.status, wished.body.code]).toEqual([422, "invalid_request"]);
  });

  it("refuses types that are not images", async () => {
    const { status, body } = await call("POST", "/v1/uploads", { content_type: "image/svg+xml", bytes: 10 });
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, "invalid_request", "/content_type"]);
  });
});
