import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { visii } from "visii-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assembleWorker } from "../../../gpu-worker/container/assemble.ts";
import { type Service, startService } from "../../../local/service.ts";
import { createAwsClients } from "../../../shared/aws/clients.ts";
import { fetchModel, type ModelPlace, publishModel } from "../../../shared/aws/published-model.ts";
import { jobDimensions } from "../../../shared/metrics.ts";
import { Container, root, taskEnvironment } from "./container.ts";

const mini = join(root, "models", "mini");
const silent = { info() {}, error() {} };

let scratch: string;
let worker: string;
let service: Service;
let place: ModelPlace;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-image-"));
  worker = join(scratch, "worker");
  await assembleWorker(root, worker);
  service = await startService({ port: 0, workers: 0, model: mini, log: silent });
  const { s3 } = createAwsClients(service.standIns.aws);
  place = { s3, bucket: service.standIns.bucket, prefix: "models/mini/1" };
}, 120_000);

afterAll(async () => {
  place.s3.destroy();
  await service.stop();
  await rm(scratch, { recursive: true });
});

const environment = () => ({
  ...taskEnvironment(service.standIns),
  VISII_MODEL: join(scratch, "models"),
  VISII_MODEL_SOURCE: place.prefix,
});

describe("the folder of the worker's image", () => {
  it("contains only the bundles and the native packages for this platform", async () => {
    expect((await readdir(worker)).filter((name) => !name.endsWith(".map")).sort()).toEqual(
      [
        "child.mjs",
        "decoder-child.mjs",
        "demo",
        "fetch-model.mjs",
        "main.mjs",
        "models",
        "node_modules",
      ].concat([...["package.json", "smoke.mjs", "typeface"]]),
    );
    const packages = await readdir(join(worker, "node_modules"));
    expect(packages).toEqual(
      expect.arrayContaining(["@img", "onnxruntime-common", "onnxruntime-node", "sharp"]),
    );
    for (const needless of [
      "typescript",
      "tsx",
      "vitest",
      "esbuild",
      "global-agent",
      "adm-zip",
      "hono",
      "dynalite",
    ])
      expect(packages).not.toContain(needless);
    const binaries = join(worker, "node_modules/onnxruntime-node/bin/napi-v6");
    expect(await readdir(binaries)).toEqual(["linux"]);
    expect(await readdir(join(binaries, "linux"))).toEqual(["x64"]);
    // Native code of another platform or C library has another header or another name.
    const all = await readdir(worker, { recursive: true });
    const code = all.filter((path) => /\.(node|dylib|dll)$|\.so\b/.test(path));
    expect(code.length).toBeGreaterThan(3);
    for (const path of code) {
      expect(path).toMatch(/^node_modules\/(onnxruntime-node|@img\/sharp(-libvips)?-linux-x64)\//);
      const header = (await readFile(join(worker, path))).subarray(0, 20);
      // An ELF file of 64 bits, little-endian, for x86-64.
      expect([header.toString("latin1", 0, 4), header[4], header[5], header.readUInt16LE(18)]).toEqual([
        "\x7fELF",
        2,
        1,
        62,
      ]);
    }
  });

  it("fetches the model and runs an edit without any other file of the repository", async () => {
    await publishModel(place, mini);
    const fetching = new Container(worker, ["node", "fetch-model.mjs"], environment());
    expect(await fetching.ended, fetching.log).toBe(0);
    const container = new Container(worker, ["node", "main.mjs"], environment());
    try {
      const api = visii({ baseUrl: service.url, key: service.key });
      const photo = await readFile(join(root, "demo", "coffee.jpg"));
      const upload = await api.uploads.send(photo, "image/jpeg");
      const edit = await api.edits.create({ text: "make it sepia", images: [upload.id] });
      const done = await api.edits.wait(edit.id);
      expect(done, container.log).toMatchObject({ status: "succeeded" });
      const picture = await fetch(done.results?.[0]?.url ?? "");
      expect(picture.status).toBe(200);
      expect((await picture.arrayBuffer()).byteLength).toBeGreaterThan(1000);
    } finally {
      expect((await container.stop()).code).toBe(0);
    }
    // Its metrics have a value for every dimension.
    const line = container.lines.find(({ message }) => message === "a job ended");
    expect(jobDimensions.map((name) => line?.[name])).toEqual(["tests", "edit", "succeeded", "none"]);
    expect(line?._aws).toMatchObject({
      CloudWatchMetrics: expect.arrayContaining([expect.objectContaining({ Dimensions: [jobDimensions] })]),
    });
  }, 120_000);
});

describe("a published model", () => {
  it("is downloaded completely, once", async () => {
    const at = { ...place, prefix: "models/mini/2" };
    const { files } = await publishModel(at, mini);
    const folder = join(scratch, "fetched");
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    expect(await fetchModel(at, folder)).toEqual({ files: files.length, bytes });
    expect(await fetchModel(at, folder)).toEqual({ files: files.length, bytes: 0 });
    for (const { path } of files)
      expect((await readFile(join(folder, path))).equals(await readFile(join(mini, path))), path).toBe(true);
  });

  it("is repaired if a file is missing, truncated or incomplete", async () => {
    const at = { ...place, prefix: "models/mini/2" };
    const folder = join(scratch, "fetched");
    await rm(join(folder, "visii.json"));
    await writeFile(join(folder, "vae/config.json"), "{");
    await writeFile(join(folder, "unet/config.json.part"), "half");
    const { bytes } = await fetchModel(at, folder);
    const sizes = await Promise.all(["visii.json", "vae/config.json"].map((path) => stat(join(mini, path))));
    expect(bytes).toBe(sizes.reduce((sum, { size }) => sum + size, 0));
    expect(await readFile(join(folder, "vae/config.json"), "utf8")).toBe(
      await readFile(join(mini, "vae/config.json"), "utf8"),
    );
  });

  it("is rejected, with the name, if a file differs from the manifest", async () => {
    const at = { ...place, prefix: "models/tampered/1" };
    await publishModel(at, mini);
    const Body = Buffer.alloc((await stat(join(mini, "visii.json"))).size, "x");
    await place.s3.send(new PutObjectCommand({ Bucket: place.bucket, Key: `${at.prefix}/visii.json`, Body }));
    const folder = join(scratch, "tampered");
    await expect(fetchModel(at, folder)).rejects.toMatchObject({ code: "wrong_checksum" });
    await expect(fetchModel(at, folder)).rejects.toThrow(/models\/tampered\/1\/visii\.json/);
    expect(existsSync(join(folder, "manifest.json"))).toBe(false);
  });

  it("cannot be published twice under one name", async () => {
    await expect(publishModel({ ...place, prefix: "models/mini/2" }, mini)).rejects.toMatchObject({
      code: "already_published",
    });
  });

  it("that does not exist is reported by name", async () => {
    await expect(fetchModel({ ...place, prefix: "models/none" }, join(scratch, "none"))).rejects.toThrow(
      /Model models\/none not found in bucket visii/,
    );
  });
});
