import { VisibleError } from "../errors.ts";
import type { InstructionSpace } from "../instruction/instruction.ts";
import type { LearningRateSchedule } from "../optimizer/learning-rate.ts";
import { branchWeights, type Guidance } from "../pipeline/guidance.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/** Options of a caller. Absent options use the model's defaults. */
export interface InversionOptions {
  /** Words to start from. Their token count is the instruction's. */
  readonly init?: string;
  /**
   * Initial rows: the init's words, or the output of the model's pair encoder. When absent, words if an init
   * is given or in the reference loop, else the model's default.
   */
  readonly start?: "pair" | "words";
  /**
   * What is learned: rows of the text embedding (default), or the keys and values that the UNet computes from
   * them.
   */
  readonly space?: InstructionSpace;
  /** Number of updates. 0 returns the pair encoder's output unchanged. */
  readonly steps?: number;
  /** A whole number that determines all random draws. */
  readonly seed: number;
  readonly learningRate?: number;
  /** Samples (timestep, noise, pair) per update. */
  readonly batchSize?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  /** `"reference"` runs the paper's loop; `"fast"` the same loss with fewer UNet evaluations. */
  readonly loop?: "fast" | "reference";
  /** Overrides single settings of `loop`. */
  readonly overrides?: Partial<LoopSettings>;
}

/** The settings in which the fast loop differs from the paper's. */
export interface LoopSettings {
  /**
   * Number of fixed samples (t, ε) that the loop cycles through; `"every timestep"` uses one for each
   * timestep.
   */
  readonly samples: number | "every timestep";
  /**
   * Cache the two branches that do not depend on the instruction, or evaluate them at every step as in the
   * paper.
   */
  readonly frozenBranches: "cached" | "recomputed";
  readonly schedule: LearningRateSchedule;
  /**
   * Which tokens to keep: those with the lowest L_mse over the fixed validation samples, or, as in the paper,
   * those with the lowest L_mse of a single step. A step's L_mse is computed before its update, so the latter
   * are the tokens before that step, and the tokens after the last update are never kept.
   */
  readonly selection: "validation" | "lowest step loss";
  /** Number of fixed validation samples. Default: a tenth of the samples in a run's updates, at most 16. */
  readonly validationSamples: number;
  /** Updates between two validations; 0 validates only at the start and the end. */
  readonly validationEvery: number;
  readonly mseWeight: number;
  /**
   * Weight of L_clip, which depends on the text embedding. In kv space the embedding is constant and the
   * weight is 0.
   */
  readonly clipWeight: number;
}

export interface InversionSettings extends LoopSettings {
  readonly init: string;
  /**
   * Absent if the initial rows are the init's, so that states and results of older versions keep their keys.
   */
  readonly start?: "pair";
  readonly space: InstructionSpace;
  readonly steps: number;
  readonly seed: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly textGuidance: number;
  readonly imageGuidance: number;
  readonly loop: "fast" | "reference";
}

/** A tenth of a run's samples, at most 16, so that validation costs less than learning. */
const validationSamples = (trained: number): number => Math.min(16, Math.ceil(trained / 10));

const paperLoss = { mseWeight: 4, clipWeight: 0.1 } as const;

/** The paper's loop: each timestep once, in random order, one sample per step, constant learning rate. */
const referenceLoop: Omit<LoopSettings, "validationSamples"> = {
  samples: "every timestep",
  frozenBranches: "recomputed",
  schedule: "constant",
  selection: "lowest step loss",
  validationEvery: 0,
  ...paperLoss,
};

const fastLoop: Omit<LoopSettings, "samples" | "validationSamples"> = {
  frozenBranches: "cached",
  schedule: "cosine",
  selection: "validation",
  validationEvery: 25,
  ...paperLoss,
};

/** The paper's constants, for `loop: "reference"`. */
const paper = {
  steps: 1000,
  learningRate: 1e-3,
  batchSize: 1,
  textGuidance: 7.5,
  imageGuidance: 1.5,
} as const;

/** @throws VisibleError `invalid_option` naming the invalid option */
export function resolveSettings(
  { defaults }: Pick<Pipeline, "defaults">,
  options: InversionOptions,
): InversionSettings {
  const loop = options.loop ?? "fast";
  const space = options.space ?? "text";
  const words = options.init !== undefined || loop === "reference";
  const start = options.start ?? (words ? "words" : defaults.start);
  if (start === "pair") requirePairStart(defaults, options);
  const base = {
    ...(loop === "reference" ? paper : defaults.inversion),
    ...(start === "pair" ? defaults.inversion.pair : {}),
    ...(space === "kv" ? defaults.inversion.kv : {}),
  };
  const guidance = {
    text: options.textGuidance ?? base.textGuidance,
    image: options.imageGuidance ?? base.imageGuidance,
  };
  const steps = options.steps ?? base.steps;
  const batchSize = options.batchSize ?? base.batchSize;
  const settings = {
    ...(loop === "reference" ? referenceLoop : { ...fastLoop, samples: affordableSamples(guidance) }),
    validationSamples: validationSamples(steps * batchSize),
    ...(space === "kv" ? { clipWeight: 0 } : {}),
    ...options.overrides,
    loop,
    space,
    init: options.init ?? defaults.init,
    ...(start === "pair" ? { start } : {}),
    seed: options.seed,
    steps,
    learningRate: options.learningRate ?? base.learningRate,
    batchSize,
    textGuidance: guidance.text,
    imageGuidance: guidance.image,
  };
  requireThat(
    space === "text" || settings.clipWeight === 0,
    "weight of L_clip",
    settings.clipWeight,
    "0 in kv space, where the instruction has no text embedding for CLIP",
  );
  requireThat(
    isCount(settings.steps) || (settings.steps === 0 && start === "pair"),
    "steps",
    settings.steps,
    start === "pair"
      ? "a whole number of at least 0"
      : "a whole number above 0 if learning starts from words",
  );
  requireThat(isCount(settings.batchSize), "batch size", settings.batchSize, "a whole number above 0");
  requireThat(
    Number.isSafeInteger(settings.seed) && settings.seed >= 0,
    "seed",
    settings.seed,
    "a whole number of at least 0",
  );
  requireThat(
    settings.learningRate > 0 && Number.isFinite(settings.learningRate),
    "learning rate",
    settings.learningRate,
    "above 0",
  );
  requireThat(
    settings.clipWeight >= 0 && Number.isFinite(settings.clipWeight),
    "weight of L_clip",
    settings.clipWeight,
    "at least 0",
  );
  requireThat(
    Number.isFinite(settings.textGuidance),
    "text guidance",
    settings.textGuidance,
    "a finite number",
  );
  requireThat(
    Number.isFinite(settings.imageGuidance),
    "image guidance",
    settings.imageGuidance,
    "a finite number",
  );
  return settings;
}

/**
 * A sample costs the evaluation of its frozen branches once, so few samples are visited often. If guidance
 * gives those branches no weight, samples cost nothing and every timestep is used.
 */
function affordableSamples(guidance: Guidance): LoopSettings["samples"] {
  const { image, none } = branchWeights(guidance);
  return image === 0 && none === 0 ? "every timestep" : 64;
}

function requirePairStart({ start }: Pipeline["defaults"], { init }: Pick<InversionOptions, "init">): void {
  if (start !== "pair")
    throw new VisibleError(
      "no_pair_encoder",
      "Learning cannot start from the pair because the model has no pair_encoder/; start from words.",
    );
  if (init !== undefined)
    throw new VisibleError(
      "invalid_option",
      `Learning starts either from the pair or from the words "${init}"; remove one of them.`,
    );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function requireThat(holds: boolean, name: string, value: unknown, wanted: string): void {
  if (!holds) throw new VisibleError("invalid_option", `The ${name} is ${value}; it must be ${wanted}.`);
}
