import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Decoder, type Normalize } from "../../../gpu-worker/compute/decoder.ts";
import { NormalizedImages } from "../../../gpu-worker/compute/normalized-images.ts";
import { objectKeys } from "../../../shared/object-keys.ts";
import { picture } from "../../functions/test-images.ts";
import { type LocalWorld, openLocalWorld } from "../../local-world.ts";
import { slowJpeg } from "../hostile-images.ts";

const account = "acc_1";
const never = new AbortController().signal;
const decoder = new Decoder({ environment: process.env, seconds: 30 });
/** Subjects of the images that were decoded. */
const decoded: string[] = [];
const counting: Normalize = (file, subject, signal) => {
  decoded.push(subject);
  return decoder.normalize(file, subject, signal);
};

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world?.stop());
beforeEach(() => decoded.splice(0));

const store = (id: string, file: Uint8Array) =>
  world.objects.put(objectKeys.input(account, id), file, "image/png");

describe("jobs of a worker that need the same new upload at once", () => {
  it("wait for one decoder, whatever their lane", async () => {
    await store("one", await picture());
    const images = new NormalizedImages(world.objects);
    const read = [images.reader(counting), images.reader(counting)];
    const files = await Promise.all(
      [0, 1, 0, 1].map((lane) => read[lane]!(account, "one", "Image 1", never)),
    );
    expect(decoded).toEqual(["Image 1"]);
    for (const file of files) expect(file).toBe(files[0]);
    const stored = await world.objects.get(objectKeys.normalized(account, "one"));
    expect(Buffer.from(files[0]!).equals(stored!)).toBe(true);
    await read[0]!(account, "one", "Image 1", never);
    expect(decoded).toHaveLength(1);
  });

  it("read it while one of them is canceled; when all are, the decoder ends and the next job starts anew", async () => {
    await store("two", slowJpeg(2000, 1));
    const read = new NormalizedImages(world.objects).reader(counting);
    const [first, second, third] = Array.from({ length: 3 }, () => new AbortController());
    const reading = [first, second, third].map((job) => read(account, "two", "Image 1", job!.signal));
    await expect.poll(() => decoded).toHaveLength(1);
    first!.abort(new Error("canceled"));
    await expect(reading[0]).rejects.toThrow("canceled");
    expect((await reading[1])?.byteLength).toBe((await reading[2])?.byteLength);
    expect(decoded).toHaveLength(1);

    await store("three", slowJpeg(4000, 2));
    const jobs = [new AbortController(), new AbortController()];
    const canceled = jobs.map((job) => read(account, "three", "Image 1", job.signal));
    await expect.poll(() => decoded).toHaveLength(2);
    for (const job of jobs) job.abort(new Error("canceled"));
    for (const job of canceled) await expect(job).rejects.toThrow("canceled");
    await store("three", await picture());
    expect((await read(account, "three", "Image 1", never)).byteLength).toBeGreaterThan(0);
    expect(decoded).toHaveLength(3);
  });

  it("fail with its error, each with its own name for the image", async () => {
    await store("four", Buffer.from("not an image"));
    const read = new NormalizedImages(world.objects).reader(counting);
    const failed = await Promise.allSettled(
      ["Image 1", "The mask"].map((subject) => read(account, "four", subject, never)),
    );
    expect(failed.map((job) => (job as PromiseRejectedResult).reason.message)).toEqual([
      "Image 1 is not a supported image; use JPEG, PNG, WebP, AVIF, HEIC or TIFF.",
      "The mask is not a supported image; use JPEG, PNG, WebP, AVIF, HEIC or TIFF.",
    ]);
    expect(decoded).toEqual(["Image 1"]);
  });
});
