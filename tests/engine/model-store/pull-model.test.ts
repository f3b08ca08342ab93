import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type PulledModel, type PullOptions, pullModel } from "../../../engine/model-store/pull-model.ts";
import { readPullRecord, verifyFiles } from "../../../engine/model-store/pulled-model.ts";
import { requireFamily } from "../../../engine/pipeline/model-family.ts";
import { checkModelConfigs } from "../../../engine/pipeline/model-folder.ts";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { writeRandomModel } from "../../../research/random-model/write-random-model.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { filesOf, LocalHub } from "./local-hub.ts";

const [model, clip] = ["painter/instruct-tiny", "openers/clip-tiny"];
const unet = "unet/diffusion_pytorch_model.safetensors";

let scratch: string;
/** The model's files without its CLIP, and the CLIP's. */
let modelFiles: Map<string, Buffer>;
let clipFiles: Map<string, Buffer>;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-pull-"));
  await writeRandomModel(join(scratch, "source"), { like: "tiny-instruct-pix2pix", seed: 5 });
  const all = await filesOf(join(scratch, "source"));
  const isClip = (path: string) => path.startsWith("clip/");
  modelFiles = new Map([...all].filter(([path]) => !isClip(path)));
  clipFiles = new Map(
    [...all].filter(([path]) => isClip(path)).map(([path, bytes]) => [path.slice(5), bytes]),
  );
});
afterAll(() => rm(scratch, { recursive: true }));

let hub: LocalHub;
let folder: string;
beforeEach(async () => {
  hub = await LocalHub.start();
  hub.add(model, {
    files: new Map([
      ...modelFiles,
      ["README.md", Buffer.from("# A model")],
      ["unet/diffusion_pytorch_model.bin", Buffer.alloc(50_000)],
    ]),
  });
  hub.add(clip, { files: clipFiles });
  folder = await mkdtemp(join(scratch, "pulled-"));
});
afterEach(() => hub.stop());

/** Pauses between attempts are skipped; the idle timeout of a connection in ms. */
const silence = 150;
const clock = {
  now: systemClock.now,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms >= 60_000 ? silence * 20 : 0, signal),
};

function pull(changes: Partial<PullOptions> = {}): Promise<PulledModel> {
  return pullModel({
    name: model,
    revision: "main",
    folder,
    endpoint: hub.endpoint,
    clip,
    clock,
    signal: new AbortController().signal,
    checkIndex: requireFamily,
    check: checkModelConfigs,
    ...changes,
  });
}

const code = (wanted: string, message: RegExp) => ({
  code: wanted,
  message: expect.stringMatching(message),
});

async function expectWhole() {
  const record = await readPullRecord(folder);
  const nothing = { signal: new AbortController().signal, onBytes: () => undefined };
  expect(await verifyFiles(folder, record!, nothing)).toEqual([]);
  for (const [path, bytes] of modelFiles)
    expect((await readFile(join(folder, path))).equals(bytes)).toBe(true);
  const names = await readdir(folder, { recursive: true });
  expect(names.filter((name) => /partial|tmp|\.bin$|README/.test(name))).toEqual([]);
}

describe("a pull", () => {
  it("downloads a folder that opens, with the CLIP and nothing that is not needed", async () => {
    const pulled = await pull();
    expect(pulled.commit).toBe(hub.commit);
    expect(pulled.fetched).toBe(pulled.bytes);
    await expectWhole();
    const pipeline = await openPipeline(folder, { device: "cpu" });
    expect(pipeline.model.clip?.config.projection_dim).toBe(24);
    expect(pipeline.modelId).toBe(model);
    await pipeline.dispose();
  });

  it("of Stable Diffusion XL downloads both text encoders and both tokenizers", async () => {
    const source = join(scratch, "source-xl");
    await writeRandomModel(source, { like: "tiny-sdxl-instruct-pix2pix", seed: 5 });
    const files = await filesOf(source);
    files.set("text_encoder_2/model.fp16.safetensors", Buffer.alloc(100));
    files.set("text_encoder_2/model.onnx", Buffer.alloc(100));
    hub.add("painter/xl-tiny", { files });
    await pull({ name: "painter/xl-tiny" });
    expect((await readdir(join(folder, "text_encoder_2"))).sort()).toEqual([
      "config.json",
      "model.safetensors",
    ]);
    const pipeline = await openPipeline(folder, { device: "cpu" });
    expect(pipeline.textWidth).toBe(32 + 40);
    expect(pipeline.model.secondText?.tokenizer.padId).not.toBe(pipeline.model.tokenizer.padId);
    await pipeline.dispose();
  });

  it("downloads the commit that it resolved first, even if the branch moves", async () => {
    await pull();
    const files = hub.requests.filter(({ path }) => path.includes("/resolve/"));
    expect(files.length).toBeGreaterThan(10);
    expect(files.every(({ path }) => path.includes(`/resolve/${hub.commit}/`))).toBe(true);
  });

  it("fetches nothing the second time", async () => {
    await pull();
    hub.requests.length = 0;
    expect((await pull()).fetched).toBe(0);
    expect(hub.requests.filter(({ path }) => path.includes("/resolve/"))).toEqual([]);
  });

  it("downloads a named revision", async () => {
    await pull({ revision: "refs/pr/1" });
    expect((await readPullRecord(folder))?.revision).toBe("refs/pr/1");
  });

  it("reports its progress, up to 100%", async () => {
    const seen: number[] = [];
    const { bytes } = await pull({ onProgress: (state) => seen.push(state.bytes / state.total) });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(bytes).toBeGreaterThan(1e6);
  });

  it("downloads the fp16 files on request, and lists the available ones if there are none", async () => {
    const half = new Map(
      [...modelFiles].map(([path, bytes]) => [path.replace(".safetensors", ".fp16.safetensors"), bytes]),
    );
    hub.add("painter/both", { files: new Map([...modelFiles, ...half]) });
    await pull({ name: "painter/both", variant: "fp16" });
    expect(await readdir(join(folder, "unet"))).toEqual([
      "config.json",
      "diffusion_pytorch_model.fp16.safetensors",
    ]);
    await expect(pull({ variant: "fp16" })).rejects.toMatchObject(
      code("variant_not_found", /diffusion_pytorch_model\.fp16\.safetensors, but .*omit --variant/),
    );
  });

  it("downloads shards with their index", async () => {
    const files = new Map(modelFiles);
    const whole = files.get(unet)!;
    files.delete(unet);
    files.set("unet/diffusion_pytorch_model.safetensors.index.json", Buffer.from("{}"));
    files.set("unet/diffusion_pytorch_model-00001-of-00002.safetensors", whole);
    files.set("unet/diffusion_pytorch_model-00002-of-00002.safetensors", whole.subarray(1));
    hub.add("painter/sharded", { files });
    await pull({ name: "painter/sharded" });
    expect((await readdir(join(folder, "unet"))).length).toBe(4);
  });
});

describe("a broken connection", () => {
  it("in the middle of a file is resumed at the same byte", async () => {
    hub.fail(`${model}/${unet}`, { kind: "cut", after: 300_000 }, { kind: "cut", after: 200_000 });
    const pulled = await pull();
    await expectWhole();
    const ranges = hub.storageRequests.filter(({ path }) => path.endsWith(unet)).map(({ range }) => range);
    expect(ranges.length).toBe(3);
    expect(ranges[0]).toBeUndefined();
    // Data that the system had buffered when the connection broke may be lost, but no other byte is
    // downloaded twice.
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(pulled.fetched).toBe(pulled.bytes);
  });

  it("that ended an earlier pull is resumed by the next", async () => {
    const controller = new AbortController();
    const stopped = pull({
      signal: controller.signal,
      onProgress: ({ file, bytes, total }) => {
        if (file === unet && bytes > total / 4) controller.abort(new Error("Ctrl-C"));
      },
    });
    await expect(stopped).rejects.toThrow("Ctrl-C");
    expect(await readPullRecord(folder)).toBeUndefined();
    const begun = (await readdir(join(folder, "unet"))).filter((name) => name.endsWith(".partial"));
    expect(begun.length).toBe(1);
    const pulled = await pull();
    expect(pulled.fetched).toBeLessThan(pulled.bytes);
    await expectWhole();
  });

  it("to a server without range requests restarts the file", async () => {
    hub.fail(`${model}/${unet}`, { kind: "cut", after: 300_000 }, { kind: "ignore range" });
    await pull();
    await expectWhole();
  });

  it("that stalls is closed and resumed", async () => {
    hub.fail(`${model}/${unet}`, { kind: "silent" });
    await pull();
    await expectWhole();
  });

  it("to a server that is sometimes busy does not end the pull", async () => {
    hub.fail(`${model}/${unet}`, { kind: "status", status: 503 }, { kind: "status", status: 429 });
    await pull();
    await expectWhole();
  });

  it("that always breaks ends the pull with a message, and keeps the downloaded part", async () => {
    hub.fail(`${model}/${unet}`, ...Array(8).fill({ kind: "status", status: 502 }));
    await expect(pull()).rejects.toMatchObject(
      code("hub_unreachable", /unet.*returned status 502.*The partial file is kept/),
    );
    expect(await readdir(join(folder, "tokenizer"))).not.toEqual([]);
  });

  it("that cannot be opened is reported as such", async () => {
    await hub.stop();
    await expect(pull()).rejects.toMatchObject(
      code("hub_unreachable", /cannot be reached: connection refused.*--model DIR/),
    );
    hub = await LocalHub.start();
  });
});

describe("content", () => {
  it("that was changed in transit is downloaded again", async () => {
    hub.fail(`${model}/${unet}`, { kind: "flip" });
    await pull();
    await expectWhole();
  });

  it.each(["flip", "extra"] as const)("that is wrong twice (%s) is rejected by name", async (kind) => {
    hub.fail(`${model}/${unet}`, { kind }, { kind });
    await expect(pull()).rejects.toMatchObject(code("wrong_checksum", /unet.*sha256 [0-9a-f]{12}/));
    const names = await readdir(join(folder, "unet"));
    expect(names).toEqual(["config.json"]);
  });

  it("of a small file is verified too", async () => {
    hub.fail(`${model}/scheduler/scheduler_config.json`, { kind: "flip" }, { kind: "flip" });
    await expect(pull()).rejects.toMatchObject(code("wrong_checksum", /scheduler_config\.json.*git-sha1/));
  });

  it("that was damaged on disk is found, and downloaded by the next pull", async () => {
    await pull();
    const path = join(folder, unet);
    const bytes = await readFile(path);
    bytes[bytes.length - 5]! ^= 0xff;
    await writeFile(path, bytes);
    await truncate(join(folder, "tokenizer/merges.txt"), 10);
    await rm(join(folder, "vae/config.json"));
    const record = await readPullRecord(folder);
    const faults = await verifyFiles(folder, record!, {
      signal: new AbortController().signal,
      onBytes: () => undefined,
    });
    expect(Object.fromEntries(faults.map(({ path: file, fault }) => [file, fault]))).toEqual({
      [unet]: "wrong content",
      "tokenizer/merges.txt": "wrong size",
      "vae/config.json": "missing",
    });
    await rm(join(folder, ".visii-pull.json"));
    const mended = await pull();
    expect(mended.fetched).toBe(
      [unet, "tokenizer/merges.txt", "vae/config.json"].reduce(
        (sum, file) => sum + modelFiles.get(file)!.length,
        0,
      ),
    );
    await expectWhole();
  });
});

describe("access", () => {
  it("to a private model uses the token, which is not sent to the storage host", async () => {
    hub.add(model, { files: modelFiles, access: "private" });
    await pull({ token: "hf_good" });
    await expectWhole();
    expect(hub.requests.every(({ authorization }) => authorization === "Bearer hf_good")).toBe(true);
    expect(hub.storageRequests.length).toBeGreaterThan(0);
    expect(hub.storageRequests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it.each([
    ["a private model without a token", "private", undefined, /does not exist .* or is private.*HF_TOKEN/],
    ["a token that is not accepted", "private", "hf_old", /does not accept the token in HF_TOKEN/],
    [
      "a gated model without a token",
      "gated",
      undefined,
      /is gated: open .*accept its terms.*HF_TOKEN is not set/,
    ],
    ["a gated model whose terms were not accepted", "gated", "hf_without_terms", /has no access/],
  ] as const)("is denied with a message: %s", async (_, access, token, message) => {
    hub.add(model, { files: modelFiles, access });
    await expect(pull(token ? { token } : {})).rejects.toMatchObject(code("access_denied", message));
    expect(await readdir(folder)).toEqual([]);
  });

  it("rejects an invalid token before sending it", async () => {
    await expect(pull({ token: "secret" })).rejects.toMatchObject(code("invalid_token", /hf_/));
    expect(hub.requests).toEqual([]);
  });
});

describe("a model that cannot be pulled is rejected before any weights are downloaded:", () => {
  const without = (...endings: string[]) =>
    new Map([...modelFiles].filter(([path]) => !endings.some((ending) => path.endsWith(ending))));
  const asked = () => hub.storageRequests.length;

  it("a model that does not exist", async () => {
    await expect(pull({ name: "no/such", token: "hf_good" })).rejects.toMatchObject(
      code("model_not_on_hub", /has no model no\/such/),
    );
  });

  it("a revision that does not exist", async () => {
    await expect(pull({ revision: "v9" })).rejects.toMatchObject(
      code("model_not_on_hub", /no such revision/),
    );
  });

  it("only pickles", async () => {
    const files = without(".safetensors");
    files.set("unet/diffusion_pytorch_model.bin", Buffer.alloc(20_000));
    hub.add(model, { files });
    await expect(pull()).rejects.toMatchObject(
      code(
        "pickled_weights",
        /unet\/diffusion_pytorch_model\.bin.*run code.*: python3 -c "from diffusers import DiffusionPipeline as M; M\.from_pretrained\('painter\/instruct-tiny'\)\.save_pretrained\('DIR'\)"$/,
      ),
    );
  });

  it("one file for all components", async () => {
    hub.add(model, { files: new Map([["model-00-22000.ckpt", Buffer.alloc(20_000)]]) });
    await expect(pull()).rejects.toMatchObject(code("not_diffusers_layout", /only the single file model-00/));
  });

  it("a missing component", async () => {
    hub.add(model, { files: without("vae/config.json") });
    await expect(pull()).rejects.toMatchObject(code("not_diffusers_layout", /has no vae\/config\.json/));
  });

  it.each([
    [
      { _class_name: "FluxKontextPipeline", transformer: ["diffusers", "FluxTransformer2DModel"] },
      /^painter\/instruct-tiny is Flux \(FluxKontextPipeline\); visii supports InstructPix2Pix/,
    ],
    [
      { _class_name: "StableDiffusion3Pipeline", transformer: ["diffusers", "SD3Transformer2DModel"] },
      /is Stable Diffusion 3 \(StableDiffusion3Pipeline\)/,
    ],
    [
      { _class_name: "AuraFlowPipeline", transformer: ["diffusers", "AuraFlowTransformer2DModel"] },
      /is a AuraFlowPipeline without a UNet2DConditionModel/,
    ],
  ])("another model family, %o, before any file is chosen", async (index, message) => {
    // Without the files that an InstructPix2Pix model has.
    const transformer = Buffer.alloc(20_000);
    const files = new Map([
      ["model_index.json", Buffer.from(JSON.stringify(index))],
      ["transformer/diffusion_pytorch_model.safetensors", transformer],
    ]);
    hub.add(model, { files });
    await expect(pull()).rejects.toMatchObject(code("unsupported_family", message));
    expect(asked()).toBe(0);
    expect(hub.requests.filter(({ path }) => path.includes("/resolve/"))).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it("a CLIP of another width than the text encoder's", async () => {
    const files = new Map(clipFiles);
    const config = JSON.parse(files.get("config.json")!.toString());
    config.text_config.hidden_size = 48;
    files.set("config.json", Buffer.from(JSON.stringify(config)));
    hub.add(clip, { files });
    await expect(pull()).rejects.toMatchObject(code("mismatched_checkpoint", /width 48.*has 32.*--clip/));
    expect(asked()).toBe(0);
  });

  it("more than the disk holds", async () => {
    hub.add(model, { files: modelFiles, announced: new Map([[unet, 4e15]]) });
    await expect(pull()).rejects.toMatchObject(
      code("disk_full", /needs 4000000\.\d GB, but its disk has [\d.]+ GB/),
    );
    expect(asked()).toBe(0);
  });
});

it("reports a folder that is not writable", async () => {
  const file = join(folder, "a-file");
  await writeFile(file, "");
  await expect(pull({ folder: join(file, "model") })).rejects.toMatchObject({ code: "not_writable" });
});
