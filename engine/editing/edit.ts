import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { embedPrompt, embedWords, type Prompt } from "../instruction/embed-instruction.ts";
import { branchWeights, type Conditioning, type Guidance, guidedPrediction } from "../pipeline/guidance.ts";
import type { Mixing } from "../pipeline/mixing.ts";
import type { Latents, Pipeline, TextEmbedding } from "../pipeline/pipeline.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { trainingNoise } from "../random/training-noise.ts";
import { createScheduler, type SchedulerKind } from "../schedulers/create-scheduler.ts";
import { combine } from "../schedulers/noise-schedule.ts";
import type { PastStep, Scheduler } from "../schedulers/scheduler.ts";
import { type GuidanceInterval, guidedSteps } from "./guidance-interval.ts";
import { latentMask, type Mask, withinMask } from "./latent-mask.ts";

/** Absent options use the model's defaults. */
export interface EditOptions {
  /** Sampling steps. */
  readonly steps?: number;
  readonly scheduler?: SchedulerKind;
  /**
   * Text and image guidance scale. When absent, the instruction's training values, or without an instruction
   * the model's.
   */
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  /**
   * Steps to guide, as fractions from 0 (pure noise) to 1; all when absent. At other steps only the text branch is
   * evaluated, as with guidance 1 / 1.
   */
  readonly guidanceInterval?: GuidanceInterval;
  /**
   * `"fixed"` uses the instruction's training noise for every image. With another sampler or number of steps
   * than the model's, some of that noise was not trained. `"fresh"` draws new noise for every image and every
   * `variation`.
   */
  readonly noise?: "fixed" | "fresh";
  /** A whole number. With fixed noise and an instruction, the instruction's seed is used instead. */
  readonly seed: number;
  /** Index of a result among several for one image; each draws its own fresh noise. */
  readonly variation?: number;
  /** Negative prompt. Replaces the empty prompt of the unconditional branch. */
  readonly negative?: string;
  /**
   * Above 0, at most 1: the share of the steps that runs, starting from the photo with noise added. 1 starts
   * from pure noise.
   */
  readonly strength?: number;
  /** How a text prompt is combined with the instruction. */
  readonly mixing?: Mixing;
}

/** Options for images that already have the model's size. */
export interface FittedEditOptions extends EditOptions {
  /** Where to edit; elsewhere the latents are reset to the image's at every step. */
  readonly mask?: Mask;
}

export interface EditEvent {
  readonly step: number;
  readonly steps: number;
  readonly etaSeconds?: number;
}

export interface EditHooks {
  /** Checked between sampling steps. */
  readonly signal?: AbortSignal;
  /** A promise is awaited before the next step. */
  onEvent?(event: EditEvent): void | Promise<void>;
}

/** One image of a batch, with its own noise; everything else is shared. */
export interface BatchItem extends Pick<FittedEditOptions, "noise" | "seed" | "variation" | "mask"> {
  readonly image: RgbImage;
}

/**
 * Edits images by a text prompt, an instruction, or both. With mixing `in-turn`, each of the two edits takes
 * `steps` steps.
 *
 * @param images of one size, both sides multiples of the pipeline's `sizeMultiple`
 * @returns one image of the same size for each
 * @throws VisibleError for invalid options, a text that is too long, or an instruction of another model
 */
export async function editFitted(
  pipeline: Pipeline,
  images: readonly RgbImage[],
  prompt: Prompt,
  options: FittedEditOptions,
  hooks: EditHooks = {},
): Promise<RgbImage[]> {
  requireSizes(pipeline, images);
  const turns = await prepareTurns(pipeline, prompt, options);
  const progress = stepCounter(images.length * stepsOf(turns), hooks);
  const results: RgbImage[] = [];
  for (const [index, image] of images.entries())
    results.push(...(await takeTurns(pipeline, turns, [{ ...options, image }], index, progress)));
  return results;
}

/**
 * Edits images of one size as one batch of the UNet. Results equal those of `editFitted` up to the rounding
 * of larger matrix products.
 *
 * @param items all of one size, both sides multiples of the pipeline's `sizeMultiple`
 * @returns one image of the same size for each
 * @throws VisibleError as `editFitted` does
 */
export async function editTogether(
  pipeline: Pipeline,
  items: readonly BatchItem[],
  prompt: Prompt,
  options: Omit<EditOptions, keyof BatchItem>,
  hooks: EditHooks = {},
): Promise<RgbImage[]> {
  requireSizes(
    pipeline,
    items.map(({ image }) => image),
  );
  const turns = await prepareTurns(pipeline, prompt, options);
  return takeTurns(pipeline, turns, items, 0, stepCounter(stepsOf(turns), hooks));
}

/** Input of one reverse process, besides images and noise. */
interface ReverseProcess {
  readonly prompt: Prompt;
  readonly scheduler: Scheduler;
  /** Index of the first evaluation. */
  readonly begin: number;
  readonly negative: TextEmbedding | undefined;
  /** The guidance of an evaluation. */
  guidanceAt(index: number): Guidance;
  readonly conditioning: Conditioning;
}

const unguided: Guidance = { text: 1, image: 1 };

/** One reverse process, or two with mixing `in-turn`: the second edits the result of the first. */
async function prepareTurns(
  pipeline: Pipeline,
  { instruction, text }: Prompt,
  options: Omit<EditOptions, keyof BatchItem>,
): Promise<readonly ReverseProcess[]> {
  const mixing = options.mixing ?? pipeline.defaults.sampler.mixing;
  const turns: readonly Prompt[] =
    instruction && text && mixing === "in-turn"
      ? [{ instruction }, { text }]
      : [{ ...(instruction ? { instruction } : {}), ...defined({ text }) }];
  const prepared: ReverseProcess[] = [];
  for (const turn of turns) prepared.push(await prepareProcess(pipeline, turn, options));
  return prepared;
}

function stepsOf(turns: readonly ReverseProcess[]): number {
  return turns.reduce((sum, { scheduler, begin }) => sum + scheduler.timesteps.length - begin, 0);
}

/** Runs a batch of images of one size through all turns. Between turns the images stay latents. */
async function takeTurns(
  pipeline: Pipeline,
  turns: readonly ReverseProcess[],
  items: readonly BatchItem[],
  index: number,
  progress: () => Promise<void>,
): Promise<RgbImage[]> {
  let conditions: Latents[] = [];
  for (const { image } of items) conditions.push(await pipeline.encodeImage(image));
  for (const [turn, process] of turns.entries()) {
    const [shape] = conditions;
    const noises = items.map((item) => noiseSource(process.prompt, item, [index, turn], shape!));
    const masks = items.some(({ mask }) => mask)
      ? concatenate(items.map(({ image, mask }) => latentMask(image, mask, shape!)))
      : undefined;
    const made = await sample(pipeline, process, { conditions, noises, masks }, progress);
    conditions = made.map((latents) => pipeline.unscaleLatents(latents));
  }
  const results: RgbImage[] = [];
  for (const latents of conditions) {
    if (!latents.data.every(Number.isFinite)) throw overflow(items[0]!);
    results.push(await pipeline.decodeLatents(latents));
  }
  return results;
}

/** A VisibleError, because retrying gives the same result. */
const overflow = ({ seed = 0 }: Pick<BatchItem, "seed">) =>
  new VisibleError(
    "not_finite",
    `Sampling with seed ${seed} produced non-finite numbers; lower the text or image guidance, or use another instruction.`,
  );

async function prepareProcess(
  pipeline: Pipeline,
  prompt: Prompt,
  options: Omit<EditOptions, keyof BatchItem>,
): Promise<ReverseProcess> {
  const { sampler } = pipeline.defaults;
  // An instruction defaults to the guidance scales that it was trained with.
  const own = prompt.instruction?.info.hyperParameters ?? sampler;
  const guidance: Guidance = {
    text: options.textGuidance ?? own.textGuidance,
    image: options.imageGuidance ?? own.imageGuidance,
  };
  if (!Number.isFinite(guidance.text) || !Number.isFinite(guidance.image))
    throw new VisibleError("invalid_option", "Text and image guidance must be finite numbers.");
  const { negative, strength = 1, guidanceInterval = [0, 1] } = options;
  const { image, none } = branchWeights(guidance);
  if (negative !== undefined && image === 0 && none === 0)
    throw new VisibleError(
      "invalid_option",
      "A negative prompt has no effect at text guidance 1 and image guidance 1; raise the text guidance.",
    );
  const steps = options.steps ?? sampler.steps;
  const made = Math.floor(steps * strength + 1e-9);
  if (!(strength > 0 && strength <= 1))
    throw new VisibleError(
      "invalid_option",
      `The strength is ${strength}; it must be above 0 and at most 1.`,
    );
  const conditioning = await embedPrompt(pipeline, prompt);
  const scheduler = createScheduler(options.scheduler ?? sampler.scheduler, pipeline.model.scheduler, steps);
  if (made === 0)
    throw new VisibleError(
      "invalid_option",
      `Strength ${strength} leaves none of the ${steps} sampling ${steps === 1 ? "step" : "steps"}; raise the strength or the steps.`,
    );
  const { evaluationsPerStep } = scheduler;
  const guided = guidedSteps(guidanceInterval, steps, steps - made);
  if (negative !== undefined && guided.first === guided.end)
    throw new VisibleError(
      "invalid_option",
      `A negative prompt has no effect in the empty guidance interval ${guidanceInterval.join(",")}; widen it.`,
    );
  return {
    prompt,
    scheduler,
    conditioning,
    begin: (steps - made) * evaluationsPerStep,
    guidanceAt(index) {
      const step = Math.floor(index / evaluationsPerStep);
      return guided.first <= step && step < guided.end ? guidance : unguided;
    },
    negative: negative === undefined ? undefined : await embedWords(pipeline, negative),
  };
}

/**
 * Standard normal noise for the start (first timestep), and for samplers that add noise on the way to a
 * timestep.
 */
type NoiseSource = (timestep: number) => Float32Array;

/** A batch: N images of one size, each with its own noise. */
interface SampledImages {
  /** c_I of each image. */
  readonly conditions: readonly Latents[];
  readonly noises: readonly NoiseSource[];
  /** [N · C · h · w], 1 where the image is edited. */
  readonly masks: Float32Array | undefined;
}

/** The reverse process, from noise to latents, with one guided prediction per step. */
async function sample(
  pipeline: Pipeline,
  { scheduler, begin, guidanceAt, conditioning, negative }: ReverseProcess,
  { conditions, noises, masks }: SampledImages,
  progress: () => Promise<void>,
): Promise<Latents[]> {
  const { height, width, data } = conditions[0]!;
  const count = data.length;
  const image = concatenate(conditions.map((condition) => condition.data));
  const { timesteps, levels } = scheduler;
  const noiseOf = (index: number) => concatenate(noises.map((noise) => noise(timesteps[index]!)));
  const photo = concatenate(conditions.map((condition) => pipeline.scaleLatents(condition).data));
  // After the last evaluation the photo without noise is used, because a sampler may end slightly above noise
  // 0.
  const photoAt = (index: number) =>
    index === timesteps.length
      ? photo
      : combine(levels[index]!.signal, photo, levels[index]!.noise, noiseOf(index));
  let z: Float32Array = begin > 0 ? photoAt(begin) : noiseOf(0).map((x) => x * scheduler.initNoiseSigma);
  const history: PastStep[] = [];
  for (let index = begin; index < timesteps.length; index++) {
    const timestep = timesteps[index]!;
    const prediction = await guidedPrediction(
      pipeline,
      {
        latents: scheduler.scaleModelInput(z, index),
        image,
        timesteps: new Float32Array(conditions.length).fill(timestep),
        height,
        width,
      },
      conditioning,
      guidanceAt(index),
      negative,
    );
    z = scheduler.step(prediction, index, z, () => noiseOf(index + 1), history);
    if (masks) z = withinMask(masks, z, photoAt(index + 1));
    await progress();
  }
  return conditions.map((condition, n) => ({ ...condition, data: z.slice(n * count, (n + 1) * count) }));
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function noiseSource(
  prompt: Prompt,
  options: Pick<EditOptions, "noise" | "seed" | "variation">,
  [index, turn]: readonly [index: number, turn: number],
  shape: Latents,
): NoiseSource {
  if ((options.noise ?? "fixed") === "fixed") {
    const seed = prompt.instruction?.info.seed ?? options.seed;
    return (timestep) => trainingNoise(seed, timestep, shape);
  }
  const random = new SeededRandom(
    options.seed,
    "fresh",
    index,
    options.variation ?? 0,
    ...(turn ? [turn] : []),
  );
  return () => random.normals(shape.data.length);
}

function stepCounter(steps: number, { signal, onEvent }: EditHooks): () => Promise<void> {
  const started = performance.now();
  let step = 0;
  return async () => {
    step += 1;
    await onEvent?.({
      step,
      steps,
      etaSeconds: (((performance.now() - started) / step) * (steps - step)) / 1000,
    });
    signal?.throwIfAborted();
  };
}

function requireSizes(pipeline: Pipeline, images: readonly RgbImage[]): void {
  const multiple = pipeline.sizeMultiple;
  for (const { width, height } of images)
    if (width % multiple || height % multiple)
      throw new VisibleError(
        "invalid_size",
        `The image is ${width}×${height}; both sides must be multiples of ${multiple} for this model.`,
      );
}
