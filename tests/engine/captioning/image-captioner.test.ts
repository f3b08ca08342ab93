import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captionByModel, openImageCaptioner } from "../../../engine/captioning/image-captioner.ts";
import type { RgbImage } from "../../../engine/images/rgb-image.ts";
import { writeImage } from "../../../engine/images/write-image.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { lastJson, runBin, tinyModel } from "../../cli/run-bin.ts";

const captioner = fileURLToPath(new URL("../../fixtures/tiny-captioner", import.meta.url));
const library = "@huggingface/transformers";
const { resolve } = createRequire(import.meta.url);
const present = isInstalled();
if (!present)
  console.warn(
    `Captions by a captioner are NOT tested here: npm install --no-save --save-dev ${library}@4.3.1 to run them.`,
  );

let scratch: string;
let pipeline: Pipeline;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-captioner-"));
  pipeline = await openPipeline(tinyModel, { device: "cpu" });
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(scratch, { recursive: true });
});

describe("a folder that is no captioner is refused, with what it would have to be:", () => {
  it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ["an empty one", (folder) => rm(join(folder, "config.json")), /it has no config\.json that can be read/],
    [
      "another model's",
      (folder) => writeFile(join(folder, "config.json"), `{"model_type": "blip"}`),
      /its config\.json is of a blip model, not of a vision-encoder-decoder/,
    ],
    [
      "one without its decoder",
      (folder) => rm(join(folder, "onnx", "decoder_model_merged.onnx")),
      /it has no onnx\/decoder_model_merged\.onnx/,
    ],
  ])("%s", async (name, damage, message) => {
    const folder = await copied(name);
    await damage(folder);
    await expect(openImageCaptioner(folder)).rejects.toMatchObject({
      code: "not_a_captioner",
      message: expect.stringMatching(message),
    });
    await expect(openImageCaptioner(folder)).rejects.toThrow(/image-to-text model in ONNX/);
  });
});

it.skipIf(present)(
  "without its library visii says what to install, before anything is computed",
  async () => {
    await writeImage(join(scratch, "a.png"), ramps());
    const { code, stderr } = await learn("--captioner", captioner);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /npm install --no-save --save-dev @huggingface\/transformers@4\.3\.1.*Without it, --caption finds words/,
    );
  },
);

describe.skipIf(!present)("a captioner, with its library installed", () => {
  it("says what PyTorch and transformers say with the same weights", async () => {
    const expected = JSON.parse(await readFile(join(captioner, "expected.json"), "utf8"));
    const caption = await captionByModel(
      await openImageCaptioner(captioner),
      ramps(),
      pipeline.model.tokenizer,
    );
    expect(caption.split(" ").slice(0, expected.tokens).join(" ")).toBe(expected.caption);
  });

  it("is read at the precision that its folder has", async () => {
    const folder = await copied("quantized");
    for (const graph of ["encoder_model", "decoder_model_merged"])
      await rename(join(folder, "onnx", `${graph}.onnx`), join(folder, "onnx", `${graph}_quantized.onnx`));
    const caption = await captionByModel(await openImageCaptioner(folder), ramps(), pipeline.model.tokenizer);
    expect(caption).toMatch(/^man /);
  });

  it("shares this package's onnxruntime: there is one in the process, and it goes on working", async () => {
    const theirs = createRequire(resolve(library)).resolve("onnxruntime-node");
    expect(theirs).toBe(resolve("onnxruntime-node"));
    const before = await pipeline.encodeText("a red apple");
    await captionByModel(await openImageCaptioner(captioner), ramps(), pipeline.model.tokenizer);
    const after = await openPipeline(tinyModel, { device: "cpu" });
    expect(await after.encodeText("a red apple")).toEqual(before);
    await after.dispose();
  });

  it("whose files are damaged is named", async () => {
    const folder = await copied("damaged");
    await truncate(join(folder, "onnx", "encoder_model.onnx"), 1000);
    const opened = await openImageCaptioner(folder);
    await expect(captionByModel(opened, ramps(), pipeline.model.tokenizer)).rejects.toMatchObject({
      code: "captioner_failed",
      message: expect.stringMatching(/damaged could not caption the image: .*encoder_model\.onnx/),
    });
  });

  it("gives visii learn its first words", async () => {
    await writeImage(join(scratch, "a.png"), ramps());
    const { code, stdout, stderr } = await learn("--captioner", captioner, "--json");
    expect(stderr).toMatch(/Starting from the caption "man /);
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ init: expect.stringMatching(/^man /) });
  });
});

function learn(...options: string[]) {
  const words = [
    "learn",
    "--pair",
    "a.png",
    "a.png",
    "--out",
    "x.visii",
    "--steps",
    "1",
    "--model",
    tinyModel,
  ];
  return runBin([...words, ...options], { cwd: scratch });
}

async function copied(name: string): Promise<string> {
  const folder = join(scratch, name.replaceAll(/\W+/g, "-"));
  await cp(captioner, folder, { recursive: true });
  return folder;
}

/** The picture of `tests/oracle/tiny_captioner.py`: red grows to the right, green downwards, blue is level. */
function ramps(side = 32): RgbImage {
  const data = new Float32Array(3 * side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (const [c, byte] of [8 * x, 8 * y, 100].entries())
        data[(c * side + y) * side + x] = byte / 127.5 - 1;
  return { width: side, height: side, data };
}

function isInstalled(): boolean {
  try {
    resolve(library);
    return true;
  } catch {
    return false;
  }
}
