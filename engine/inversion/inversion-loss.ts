import { defined } from "../../shared/defined.ts";
import type { UnetSize } from "../pipeline/forward-graphs.ts";
import { frozenBranches, type Guidance } from "../pipeline/guidance.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type Batch, stackSamples } from "./batch.ts";
import type { LearnedRows } from "./instruction-space.ts";
import { type LossPlan, planLoss } from "./loss-plan.ts";
import type { Sample } from "./samples.ts";
import type { InversionSettings } from "./settings.ts";

export interface LossAndGradient {
  readonly loss: number;
  readonly mse: number;
  /** ∂loss/∂<ins>, [n · d] or [n · D]. */
  readonly gradient: Float32Array;
}

/** L_mse of an instruction over samples. */
export interface Validation {
  readonly mean: number;
  /** Over the samples where an edit is decided, in units of v; absent if there are none. */
  readonly decisive?: number;
}

/** The loss over batches of samples. The frozen branches are evaluated once per sample or every time. */
export class InversionLoss {
  readonly #pipeline: Pipeline;
  readonly #settings: InversionSettings;
  readonly #rows: LearnedRows;
  /** d [p], of length 1; absent without a CLIP. */
  readonly #direction: Float32Array | undefined;
  readonly #frozen = new Map<Sample, Float32Array>();
  /** By batch size and image size. */
  readonly #plans = new Map<string, LossPlan>();
  #backwards = 0;

  constructor(
    pipeline: Pipeline,
    settings: InversionSettings,
    rows: LearnedRows,
    direction: Float32Array | undefined,
  ) {
    this.#pipeline = pipeline;
    this.#settings = settings;
    this.#rows = rows;
    this.#direction = direction;
  }

  /** Number of samples whose text branch was differentiated. */
  get unetBackwards(): number {
    return this.#backwards;
  }

  /**
   * Decides how batches of a size are computed. Otherwise this happens at the first batch of the size.
   *
   * @param size in latents
   * @throws VisibleError `not_enough_memory`
   */
  plan(batchSize: number, { height, width }: { readonly height: number; readonly width: number }): void {
    this.#planFor({ batch: batchSize, height, width });
  }

  /** Evaluates and caches the frozen branches of one sample, if caching is enabled. */
  async prepare(sample: Sample): Promise<void> {
    if (this.#settings.frozenBranches === "cached") await this.#frozenOf(sample);
  }

  /** @param scale loss scale for half precision */
  async evaluate(
    samples: readonly Sample[],
    instruction: Float32Array,
    scale?: number,
  ): Promise<LossAndGradient> {
    const batch = stackSamples(samples);
    const { height, width } = batch;
    const plan = this.#planFor({ batch: samples.length, height, width });
    const feeds = {
      ...this.#rows.feeds(instruction),
      ...(scale === undefined ? {} : { loss_scale: Float32Array.of(scale) }),
    };
    if (plan.settings.batch === samples.length) return this.#evaluateAtOnce(batch, plan, feeds);
    const parts: LossAndGradient[] = [];
    for (const sample of samples) parts.push(await this.#evaluateAtOnce(stackSamples([sample]), plan, feeds));
    return meanOf(parts);
  }

  async #evaluateAtOnce(
    batch: Batch,
    { settings, graph }: LossPlan,
    feeds: Readonly<Record<string, Float32Array>>,
  ): Promise<LossAndGradient> {
    const { samples } = batch;
    const session = await this.#pipeline.session(`loss ${JSON.stringify(settings)}`, () => graph);
    const { loss, mse, gradient } = await session.run({
      latents: batch.latents,
      image: batch.image,
      timesteps: batch.timesteps,
      target: batch.target,
      frozen: await this.#frozenOfBatch(batch),
      ...feeds,
      ...defined({ direction: this.#direction }),
    });
    this.#pipeline.countUnetForwards(samples.length);
    this.#backwards += samples.length;
    return { loss: loss![0]!, mse: mse![0]!, gradient: gradient! };
  }

  /** Forward pass only. */
  async validate(samples: readonly Sample[], instruction: Float32Array): Promise<Validation> {
    const conditioning = this.#rows.conditioning(instruction);
    let [sum, decisive] = [0, 0];
    for (const sample of samples) {
      const frozen = await this.#frozenOf(sample);
      const prediction = await this.#pipeline.predict({ ...stackSamples([sample]), ...conditioning });
      let squares = 0;
      for (const [i, target] of sample.target.entries())
        squares += (frozen[i]! + this.#settings.textGuidance * prediction[i]! - target) ** 2;
      sum += squares / sample.target.length;
      decisive += (sample.decisive * squares) / sample.target.length;
    }
    const deciding = samples.filter((sample) => sample.decisive > 0).length;
    return { mean: sum / samples.length, ...(deciding ? { decisive: decisive / deciding } : {}) };
  }

  #planFor(size: UnetSize): LossPlan {
    const key = `${size.batch}x${size.width}x${size.height}`;
    const known = this.#plans.get(key);
    if (known) return known;
    const { textGuidance, mseWeight, clipWeight } = this.#settings;
    const { space, tokens } = this.#rows;
    const settings = { ...size, space, tokens, textGuidance, mseWeight, clipWeight };
    const made = planLoss(
      this.#pipeline.model,
      settings,
      this.#pipeline.memory,
      this.#pipeline.device === "cpu" ? "cpu" : "gpu",
    );
    this.#plans.set(key, made);
    return made;
  }

  async #frozenOfBatch({ samples }: Batch): Promise<Float32Array> {
    const size = samples[0]!.target.length;
    const frozen = new Float32Array(samples.length * size);
    for (const [i, sample] of samples.entries()) frozen.set(await this.#frozenOf(sample), i * size);
    return frozen;
  }

  async #frozenOf(sample: Sample): Promise<Float32Array> {
    const known = this.#frozen.get(sample);
    if (known) return known;
    const { textGuidance, imageGuidance, frozenBranches: policy } = this.#settings;
    const guidance: Guidance = { text: textGuidance, image: imageGuidance };
    const made = await frozenBranches(this.#pipeline, stackSamples([sample]), guidance);
    if (policy === "cached") this.#frozen.set(sample, made);
    return made;
  }
}

/** Averages loss and gradient over the samples. */
function meanOf(parts: readonly LossAndGradient[]): LossAndGradient {
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  return {
    loss: mean(parts.map(({ loss }) => loss)),
    mse: mean(parts.map(({ mse }) => mse)),
    gradient: parts[0]!.gradient.map((_, i) => mean(parts.map(({ gradient }) => gradient[i]!))),
  };
}
