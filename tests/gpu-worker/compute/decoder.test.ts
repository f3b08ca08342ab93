import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { toBytes } from "../../../engine/images/rgb-image.ts";
import { Decoder } from "../../../gpu-worker/compute/decoder.ts";
import { lyingBomb, picture } from "../../functions/test-images.ts";
import { slowJpeg } from "../hostile-images.ts";

const never = new AbortController().signal;
const secret = "a credential of the worker";
const environment = { ...process.env, AWS_SECRET_ACCESS_KEY: secret, VISII_QUEUE_URLS: secret };
const { normalize: decode } = new Decoder({ environment, seconds: 30 });

/** Process IDs of decoders that this process has started. */
const decoders = (): readonly number[] =>
  execFileSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...words]) => parent === String(process.pid) && /decoder-child/.test(words.join(" ")))
    .map(([pid]) => Number(pid));

/** The process of the next decoder. */
async function nextDecoder(): Promise<number> {
  await expect.poll(decoders, { timeout: 30_000, interval: 20 }).toHaveLength(1);
  return decoders()[0]!;
}

describe("the decoder", () => {
  it("returns a PNG with the pixels of the file", async () => {
    const file = await readFile(new URL("../../fixtures/photos/phone.heic", import.meta.url));
    const png = await decode(file, "Image 1", never);
    expect((await sharp(png).metadata()).format).toBe("png");
    expect(toBytes((await decodeImage(png)).image)).toEqual(toBytes((await decodeImage(file)).image));
  });

  it("decodes a photo of 48 megapixels within its limits, upright and with its color profile", async () => {
    const [width, height] = [8064, 6048];
    const photo = await sharp({ create: { width, height, channels: 3, background: "#c81e1e" } })
      .withMetadata({ orientation: 6, icc: "p3" })
      .jpeg()
      .toBuffer();
    const png = await decode(photo, "Image 1", never);
    expect(await sharp(png).metadata()).toMatchObject({ width: height, height: width, hasProfile: true });
    const corner = await sharp(png).extract({ left: 0, top: 8000, width: 1, height: 1 }).raw().toBuffer();
    const [stored] = [await sharp(photo).extract({ left: 0, top: 0, width: 1, height: 1 }).raw().toBuffer()];
    expect(corner).toEqual(stored);
  }, 60_000);

  it("takes a process that was started in advance, and replaces it when no image comes", async () => {
    const decoder = new Decoder({ environment, seconds: 30 });
    decoder.prepare();
    const first = decoders();
    expect(first).toHaveLength(3);
    expect((await sharp(await decoder.normalize(await picture(), "Image 1", never)).metadata()).format).toBe(
      "png",
    );
    expect(decoders()).toEqual(first.slice(1));
    await expect.poll(decoders, { timeout: 30_000 }).toHaveLength(3);
    decoder.stop();
    await expect.poll(decoders).toEqual([]);
  });

  it("reports the error of a file that cannot be decoded", async () => {
    await expect(decode(Buffer.from("not an image"), "Image 2", never)).rejects.toMatchObject({
      name: "VisibleError",
      code: "unsupported_image",
      message: "Image 2 is not a supported image; use JPEG, PNG, WebP, AVIF, HEIC or TIFF.",
    });
    await expect(decode(await lyingBomb(), "Image 3", never)).rejects.toMatchObject({
      code: "image_too_large",
      message: expect.stringMatching(/^Image 3 is 19000×19000 pixels/),
    });
  });

  it("ends an image that takes more than its processor time", async () => {
    const quick = new Decoder({ environment, seconds: 2 });
    await expect(quick.normalize(slowJpeg(7000, 2), "Image 1", never)).rejects.toMatchObject({
      name: "VisibleError",
      code: "image_too_complex",
      message: expect.stringMatching(/^Image 1 takes more than (2 s of processor time|8 s) to decode; save/),
    });
    expect(decoders()).toEqual([]);
  });

  it("ends an image that takes more than its memory", async () => {
    // A file of 300 kB, whose decoder needs 300 MB for coefficients.
    for (const memory of [350e6, 150e6]) {
      const small = new Decoder({ environment, seconds: 30, memory });
      await expect(small.normalize(slowJpeg(7000, 1), "Image 1", never)).rejects.toMatchObject({
        name: "VisibleError",
        code: "image_too_complex",
        message: `Image 1 takes more than ${memory / 1e6} MB of memory to decode; save it again as a smaller JPEG or PNG.`,
      });
    }
  });

  describe.runIf(process.platform === "linux")("whose process is killed", () => {
    /** Kills the next decoder, other than `before`, when it has read an image's coefficients. */
    async function kill(before?: number): Promise<number> {
      for (;;) {
        const [pid] = decoders();
        if (pid !== undefined && pid !== before && (await resident(pid)) > 250e6) {
          process.kill(pid, "SIGKILL");
          return pid;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    const resident = async (pid: number) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      return 1024 * Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0);
    };

    it("decodes the image again, once", async () => {
      const [png] = await Promise.all([decode(slowJpeg(7000, 1), "Image 1", never), kill()]);
      expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 7000, height: 7000 });
    });

    it("fails the image the second time", async () => {
      const failing = expect(decode(slowJpeg(7000, 1), "Image 1", never)).rejects.toMatchObject({
        name: "VisibleError",
        code: "unprocessable",
        message: "Image 1 crashed its decoder 2 times (SIGKILL); save it again as JPEG or PNG.",
      });
      await kill(await kill());
      await failing;
    });
  });

  it.runIf(process.platform === "linux")("has none of the worker's secrets", async () => {
    const running = decode(await picture(), "Image 1", never);
    const pid = await nextDecoder();
    const variables = await readFile(`/proc/${pid}/environ`, "utf8");
    expect(variables).toContain("PATH=");
    expect(variables).not.toContain(secret);
    expect(variables).not.toMatch(/(^|\0)(AWS|VISII|ECS)_/);
    await running;
  });

  it("ends with its job", async () => {
    const job = new AbortController();
    const running = decode(slowJpeg(4000, 2), "Image 1", job.signal);
    await nextDecoder();
    const reason = new Error("canceled");
    job.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(decoders()).toEqual([]);
  });

  it("that cannot start is not the image's fault", async () => {
    const broken = new Decoder({ environment: { NODE_OPTIONS: "--import=/nowhere.mjs" }, seconds: 30 });
    await expect(broken.normalize(await picture(), "Image 1", never)).rejects.toMatchObject({
      name: "RetryableError",
      message: expect.stringMatching(/^a decoder ended before it started to decode \(code 1\)$/),
    });
  });
});
