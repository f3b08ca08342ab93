import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { readJson } from "../networks/parse-config.ts";
import type { ClipTokenizer } from "../tokenizers/clip-tokenizer.ts";

/*
 * A captioner proper: an image-to-text model run by transformers.js, which is not installed with this package. Its
 * onnxruntime must be the very one that is used here (two of them in one process share symbols), so the version is exact.
 */
const library = "@huggingface/transformers";
const version = "4.3.1";

/** Longest caption, in the captioner's own tokens. */
const longest = 24;

/** The part of transformers.js that is used. */
interface TransformersJs {
  readonly env: {
    allowRemoteModels: boolean;
    localModelPath: string;
    useFSCache: boolean;
    useWasmCache: boolean;
    logLevel: number;
  };
  readonly LogLevel: { readonly ERROR: number };
  readonly RawImage: new (data: Uint8ClampedArray, width: number, height: number, channels: 3) => object;
  pipeline(task: "image-to-text", model: string, options: object): Promise<ImageToText>;
}

interface ImageToText {
  (image: object, settings: object): Promise<readonly { readonly generated_text: string }[]>;
  dispose(): Promise<void>;
}

/** The two graphs of a captioner, and how the precisions end their names, from the best one on. */
const graphs = ["encoder_model", "decoder_model_merged"] as const;
const precisions = { fp32: "", fp16: "_fp16", q8: "_quantized", q4: "_q4" } as const;

/** A folder that was looked at, ready to be loaded. */
export interface ImageCaptioner {
  readonly folder: string;
  /** Which precision of each graph the folder has. */
  readonly dtype: Readonly<Record<string, string>>;
}

/**
 * Looks at a captioner's folder, and whether there is a library to run it: before any model is loaded.
 *
 * @throws VisibleError `captioner_unavailable` without the library, `not_a_captioner` for another folder
 */
export async function openImageCaptioner(path: string): Promise<ImageCaptioner> {
  const folder = resolve(path);
  const refuse = (why: string, cause?: unknown) =>
    new VisibleError(
      "not_a_captioner",
      `${path} is not an image captioner: ${why}. Name the folder of an image-to-text model in ONNX, laid out as for transformers.js ` +
        "(Xenova/vit-gpt2-image-captioning is one).",
      { cause },
    );
  const config = await readJson(join(folder, "config.json")).catch((cause: unknown) => {
    throw refuse("it has no config.json that can be read", cause);
  });
  const kind = z.object({ model_type: z.string() }).safeParse(config).data?.model_type;
  if (kind !== "vision-encoder-decoder")
    throw refuse(`its config.json is of a ${kind ?? "nameless"} model, not of a vision-encoder-decoder`);
  const present = new Set(await readdir(join(folder, "onnx")).catch(() => []));
  const dtype: Record<string, string> = {};
  for (const graph of graphs) {
    const found = Object.entries(precisions).find(([, ending]) => present.has(`${graph}${ending}.onnx`));
    if (!found) throw refuse(`it has no onnx/${graph}.onnx`);
    dtype[graph] = found[0];
  }
  await loadLibrary();
  return { folder, dtype };
}

/**
 * What the captioner says of an image, greedily, so always the same: cut, where it must be, to what a text encoder takes.
 *
 * @throws VisibleError `captioner_failed` if its files are damaged, or it says nothing
 */
export async function captionByModel(
  { folder, dtype }: ImageCaptioner,
  image: RgbImage,
  tokenizer: ClipTokenizer,
): Promise<string> {
  const { env, LogLevel, RawImage, pipeline } = await loadLibrary();
  // Nothing is fetched and nothing is kept: the folder is all there is.
  Object.assign(env, { allowRemoteModels: false, useFSCache: false, useWasmCache: false });
  Object.assign(env, { localModelPath: dirname(folder), logLevel: LogLevel.ERROR });
  const failed = (why: string, cause?: unknown) =>
    new VisibleError("captioner_failed", `${folder} could not caption the image: ${why}.`, { cause });
  let text: string | undefined;
  try {
    const captioner = await pipeline("image-to-text", basename(folder), {
      ...{ device: "cpu", local_files_only: true, dtype },
    });
    try {
      const { width, height } = image;
      const settings = { max_new_tokens: longest, do_sample: false, num_beams: 1 };
      const [answer] = await captioner(new RawImage(interleaved(image), width, height, 3), settings);
      text = answer?.generated_text;
    } finally {
      await captioner.dispose();
    }
  } catch (cause) {
    throw failed(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const words = (text ?? "").split(/\s+/).filter((word) => word !== "");
  while (tokenizer.encode(words.join(" ")).truncatedText !== undefined) words.pop();
  if (words.length === 0) throw failed("it gave no words; give --init words instead");
  return words.join(" ");
}

/** [−1, 1] by plane → bytes by pixel. */
function interleaved({ width, height, data }: RgbImage): Uint8ClampedArray {
  const count = width * height;
  const bytes = new Uint8ClampedArray(3 * count);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < count; i++) bytes[3 * i + c] = (data[c * count + i]! + 1) * 127.5;
  return bytes;
}

async function loadLibrary(): Promise<TransformersJs> {
  try {
    return (await import(library)) as TransformersJs;
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    throw new VisibleError(
      "captioner_unavailable",
      absent
        ? `--captioner needs the library ${library}, which is not installed with visii; install it: ` +
            `npm install --no-save --save-dev ${library}@${version}. Without it, --caption finds words through the model's own CLIP.`
        : `${library} is installed but does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
