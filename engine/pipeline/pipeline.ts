import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../errors.ts";
import type { ModelSize } from "../images/fit-to-model.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { ModelCache, type ModelCacheOptions } from "../model-cache/model-cache.ts";
import type { Precision } from "../networks/precision.ts";
import { keysValuesWidth, type TextAttention, textAttentions } from "../networks/text-attention.ts";
import { latentMultiple } from "../networks/unet-2d-condition.ts";
import { cudaRewrites } from "../rewrite/cuda-rewrites.ts";
import { type OptimizedGraph, optimize } from "../rewrite/optimize.ts";
import { kindOf } from "../runtime/device.ts";
import { availableDeviceMemory } from "../runtime/device-memory.ts";
import { requireExactIntegers } from "../runtime/integer-self-test.ts";
import type { Device, Session } from "../runtime/session.ts";
import { clipPixels } from "./clip-pixels.ts";
import {
  clipImageGraph,
  decoderGraph,
  encoderGraph,
  keysValuesGraph,
  pairEncoderGraph,
  textEncoderGraph,
  textWidth,
} from "./forward-graphs.ts";
import { forwardUnet } from "./forward-unet.ts";
import type { ModelDefaults } from "./model-defaults.ts";
import { type ModelFolder, readModelFolder } from "./model-folder.ts";
import { SessionCache } from "./session-cache.ts";

export type { Device } from "../runtime/session.ts";
export { defaultMemory } from "./session-cache.ts";

export interface PipelineOptions {
  readonly device: Device;
  /** Precision of the UNet; fp32 when absent. */
  readonly precision?: Precision;
  /** Threads inside one operator; onnxruntime's choice when absent. */
  readonly threads?: number;
  /** Images are resized to about resolution² pixels; the model's default when absent. */
  readonly resolution?: number;
  /**
   * Memory limit in bytes on the device, including mapped weights. When absent, the free memory of an NVIDIA
   * GPU, else 14 GB.
   */
  readonly memory?: number;
  /** Cache for data that is the same at every start; recomputed when absent. */
  readonly cache?: ModelCacheOptions;
  /** Called with a message when the device fails the self-test of a rewrite, which is then not applied. */
  note?(line: string): void;
}

/** Latents of one image: [channels, height, width], row-major. */
export interface Latents {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** A text embedding as the UNet uses it. */
export interface TextEmbedding {
  /** Its tokens, [L · d]. */
  readonly text: Float32Array;
  /** In Stable Diffusion XL: the pooled text, [p]. */
  readonly pooled?: Float32Array;
}

/** Inputs of one UNet evaluation, with a timestep and text for every sample. */
interface UnetBatch {
  /** Noisy latents z_t, [N · channels · height · width]. */
  readonly latents: Float32Array;
  /** Image condition c_I, of the same size; zeros drop it. */
  readonly image: Float32Array;
  /** [N], in training timesteps. */
  readonly timesteps: Float32Array;
  /** Text embeddings, [N · length · width]. */
  readonly text: Float32Array;
  /** In Stable Diffusion XL: the pooled texts, [N · p]. */
  readonly pooled?: Float32Array | undefined;
  /** Keys and values for positions 1 … n of every sample's text, [n · {@link Pipeline.keysValuesWidth}]. */
  readonly learned?: Float32Array | undefined;
  readonly height: number;
  readonly width: number;
}

/**
 * Opens a model folder in diffusers layout. Sessions are compiled when first used, one for each size.
 *
 * @throws VisibleError for an unsupported or incomplete model folder, or a precision that the device lacks or computes wrongly
 * @example
 * const mini = await openPipeline(bundledModel, { device: "cpu" });
 * console.log(mini.modelId, mini.imageSize);
 * await mini.dispose();
 */
export async function openPipeline(
  folder: string,
  { cache, precision = "fp32", ...options }: PipelineOptions,
): Promise<Pipeline> {
  if (precision === "int8" && options.device !== "cpu")
    throw new VisibleError(
      "invalid_option",
      `Precision int8 requires the CPU, but the device is ${options.device}; use fp32 or fp16, or --device cpu.`,
    );
  if (precision === "int8") await requireExactIntegers();
  const onDisk = cache && new ModelCache(cache);
  const model = await readModelFolder(folder, onDisk);
  const memory = options.memory ?? (await availableDeviceMemory(options.device));
  return new Pipeline({ ...model, precision }, { ...options, ...defined({ memory }) }, onDisk);
}

/** Maximum number of cached text embeddings; a worker receives new prompts indefinitely. */
const keptTexts = 64;

/** A frozen InstructPix2Pix model for inference. */
export class Pipeline {
  readonly model: ModelFolder;
  readonly defaults: ModelDefaults;
  readonly device: Device;
  readonly #sessions: SessionCache;
  /** In least-recently-used order. */
  readonly #texts = new Map<string, Promise<TextEmbedding>>();
  #unetForwards = 0;

  constructor(
    model: ModelFolder,
    { resolution, memory, note, ...options }: Omit<PipelineOptions, "cache">,
    onDisk?: ModelCache,
  ) {
    this.model = model;
    this.defaults = resolution === undefined ? model.defaults : { ...model.defaults, resolution };
    this.device = options.device;
    this.#sessions = new SessionCache({ ...options, root: model.folder }, memory, onDisk, note);
  }

  /** Precision of the UNet. */
  get precision(): Precision {
    return this.model.precision;
  }
  /** Memory limit of all sessions together, in bytes. */
  get memory(): number {
    return this.#sessions.memory;
  }
  /** Rewrites of the UNet for this device, by name: null if applied, otherwise the reason why not. */
  get rewrites(): ReadonlyMap<string, string | null> {
    return this.#sessions.rewrites;
  }
  get modelId(): string {
    return this.model.id;
  }
  get weightHash(): string {
    return this.model.weightHash;
  }
  /** Both sides of an image must be a multiple of this many pixels. */
  get sizeMultiple(): number {
    return this.model.vae.autoencoder.factor * latentMultiple(this.model.unet.config);
  }
  /** The size to which photos are resized. */
  get imageSize(): ModelSize {
    return { resolution: this.defaults.resolution, multiple: this.sizeMultiple };
  }
  /** Number of tokens of a text, including BOS and padding. */
  get textLength(): number {
    return this.model.tokenizer.maxLength;
  }
  /** Width of one token's embedding. */
  get textWidth(): number {
    return textWidth(this.model);
  }
  /** The cross-attention layers, whose keys and values can be learned. */
  get textAttentions(): readonly TextAttention[] {
    return textAttentions(this.model.unet.config);
  }
  /** D: width of one position's keys and values of all cross-attention layers. */
  get keysValuesWidth(): number {
    return keysValuesWidth(this.textAttentions);
  }
  /** Number of UNet evaluations, counting each sample of a batch. */
  get unetForwards(): number {
    return this.#unetForwards;
  }

  /** Adds evaluations of graphs that contain the UNet. */
  countUnetForwards(samples: number): void {
    this.#unetForwards += samples;
  }

  /** The session for `key`, compiled on first use. */
  session(key: string, build: () => OptimizedGraph): Promise<Session> {
    return this.#sessions.get(key, build);
  }

  /** The tokens of {@link encodePrompt}, [length · width]. */
  async encodeText(text: string): Promise<Float32Array> {
    return (await this.encodePrompt(text)).text;
  }

  /** Encodes a text prompt for the UNet. */
  encodePrompt(text: string): Promise<TextEmbedding> {
    const embedding = this.#texts.get(text) ?? this.#encodeText(text);
    this.#texts.delete(text);
    this.#texts.set(text, embedding);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > keptTexts) this.#texts.delete(oldest!);
    return embedding;
  }

  #encodeText(text: string): Promise<TextEmbedding> {
    const { tokenizer, secondText } = this.model;
    const second = secondText && [secondText.tokenizer.encode(text).ids];
    const embedding = this.#encode([tokenizer.encode(text).ids], second);
    embedding.catch(() => this.#texts.delete(text));
    return embedding;
  }

  /** The embedding of the empty prompt: by the model's config, the encoded empty text, or zeros. */
  async unconditionalEmbedding(): Promise<TextEmbedding> {
    const empty = await this.encodePrompt("");
    if (this.model.emptyText === "encoded") return empty;
    const zeros = ({ length }: Float32Array) => new Float32Array(length);
    return { text: zeros(empty.text), ...(empty.pooled ? { pooled: zeros(empty.pooled) } : {}) };
  }

  /**
   * Token ids, N rows of one length L → their embeddings [N · L · width].
   *
   * @param second ids of the second tokenizer, if they differ: it pads with another token
   */
  async encodeIds(
    rows: readonly (readonly number[])[],
    second: readonly (readonly number[])[] = rows,
  ): Promise<Float32Array> {
    return (await this.#encode(rows, second)).text;
  }

  async #encode(
    rows: readonly (readonly number[])[],
    second: readonly (readonly number[])[] = rows,
  ): Promise<TextEmbedding> {
    const size = { batch: rows.length, length: rows[0]!.length };
    const session = await this.session(`text ${size.batch}x${size.length}`, () =>
      optimize(textEncoderGraph(this.model, size)),
    );
    const ids = asIds(rows.flat());
    const { secondText } = this.model;
    if (!secondText) return { text: (await session.run({ ids })).hidden! };
    // The pooled text is read at EOS. A row without EOS is part of a text, and its pooled text is not used.
    const ends = asIds(
      second.map((row, n) => n * size.length + Math.max(0, row.indexOf(secondText.tokenizer.eosId))),
    );
    const { hidden, pooled } = await session.run({ ids, ids_2: asIds(second.flat()), ends });
    return { text: hidden!, pooled: pooled! };
  }

  /** Projects a text embedding [length · width] to keys and values, [length · D]. */
  async projectText(text: Float32Array): Promise<Float32Array> {
    const session = await this.session("keys and values", () => optimize(keysValuesGraph(this.model)));
    const { rows } = await session.run({ text });
    return rows!;
  }

  /**
   * Encodes the edit of a pair as rows 1 … n of the model's init text, [n · d]; undefined without a pair
   * encoder.
   *
   * @param pair of one size, both sides multiples of {@link sizeMultiple}
   */
  async encodePair({
    before,
    after,
  }: {
    readonly before: RgbImage;
    readonly after: RgbImage;
  }): Promise<Float32Array | undefined> {
    const { pairEncoder } = this.model;
    if (!pairEncoder) return undefined;
    const { width, height } = before;
    const session = await this.session(`pair ${width}x${height}`, () =>
      optimize(pairEncoderGraph(pairEncoder, height, width)),
    );
    const { rows } = await session.run({ before: before.data, after: after.data });
    return rows!;
  }

  /**
   * Latents of an image as the image condition uses them: the mode, unscaled. Sides must be multiples of
   * {@link sizeMultiple}.
   */
  async encodeImage({ width, height, data }: RgbImage): Promise<Latents> {
    const session = await this.session(`encode ${width}x${height}`, () =>
      optimize(encoderGraph(this.model, height, width)),
    );
    const { latents } = await session.run({ pixels: data });
    const { factor, latentChannels } = this.model.vae.autoencoder;
    return { channels: latentChannels, height: height / factor, width: width / factor, data: latents! };
  }

  /** Decodes unscaled latents to pixels, clamped to [−1, 1]. */
  async decodeLatents({ width, height, data }: Latents): Promise<RgbImage> {
    const session = await this.session(`decode ${width}x${height}`, () =>
      optimize(decoderGraph(this.model, height, width)),
    );
    const { pixels } = await session.run({ latents: data });
    const { factor } = this.model.vae.autoencoder;
    return {
      width: width * factor,
      height: height * factor,
      data: pixels!.map((p) => Math.max(-1, Math.min(1, p))),
    };
  }

  /** Latents as diffusion uses them: z = scale·(latent − shift). */
  scaleLatents(latents: Latents): Latents {
    const { scale, shift } = this.model.vae.autoencoder;
    return { ...latents, data: latents.data.map((x) => scale * (x - shift)) };
  }

  unscaleLatents(latents: Latents): Latents {
    const { scale, shift } = this.model.vae.autoencoder;
    return { ...latents, data: latents.data.map((x) => x / scale + shift) };
  }

  /** The UNet's prediction for each sample, [N · channels · height · width]. */
  async predict(samples: UnetBatch): Promise<Float32Array> {
    const { length } = samples.timesteps;
    if (this.precision !== "int8" || length === 1) return this.#predictTogether(samples);
    // In 8 bits, the range of the activations would depend on all samples of the batch.
    const predictions = new Float32Array(samples.latents.length);
    for (let n = 0; n < length; n++)
      predictions.set(await this.#predictTogether(oneOf(samples, n)), (n * predictions.length) / length);
    return predictions;
  }

  async #predictTogether(samples: UnetBatch): Promise<Float32Array> {
    const { latents, image, timesteps, text, pooled, learned, height, width } = samples;
    const batch = timesteps.length;
    const learnedRows = learned ? learned.length / this.keysValuesWidth : 0;
    const session = await this.#sessions.get(
      `unet ${batch}x${width}x${height} ${learnedRows}`,
      () => forwardUnet(this.model, { batch, height, width, learnedRows }),
      kindOf(this.device) === "cuda" ? cudaRewrites : [],
    );
    const { prediction } = await session.run({
      latents,
      image,
      timesteps,
      text,
      ...defined({ pooled, learned }),
    });
    this.#unetForwards += batch;
    return prediction!;
  }

  /**
   * The image's embedding in CLIP's shared space, not normalized; undefined if the model folder has no CLIP.
   */
  async embedImage(image: RgbImage): Promise<Float32Array | undefined> {
    const { clip } = this.model;
    if (!clip) return undefined;
    const session = await this.session("clip image", () => optimize(clipImageGraph(clip)));
    const { embedding } = await session.run({ pixels: clipPixels(image, clip) });
    return embedding!;
  }

  async dispose(): Promise<void> {
    await this.#sessions.clear();
  }
}

/** The n-th sample of a batch. Learned keys and values belong to all of them. */
function oneOf(batch: UnetBatch, n: number): UnetBatch {
  const count = batch.timesteps.length;
  const part = (all: Float32Array) => all.subarray((n * all.length) / count, ((n + 1) * all.length) / count);
  return {
    ...batch,
    latents: part(batch.latents),
    image: part(batch.image),
    timesteps: part(batch.timesteps),
    text: part(batch.text),
    pooled: batch.pooled && part(batch.pooled),
  };
}

function asIds(ids: readonly number[]): BigInt64Array {
  return BigInt64Array.from(ids, (id) => BigInt(id));
}
