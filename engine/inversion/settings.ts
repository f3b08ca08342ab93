import { VisibleError } from "../errors.ts";
import type { InstructionSpace } from "../instruction/instruction.ts";
import type { LearningRateSchedule } from "../optimizer/learning-rate.ts";
import { branchWeights, type Guidance } from "../pipeline/guidance.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/** What a caller may choose; what is absent is the model's recommendation. */
export interface InversionOptions {
  /** Words to start from. Their token count is the instruction's. */
  readonly init?: string;
  /**
   * What the first rows are: the init's own, or those that the model's pair encoder writes for the pairs. When absent, words where an
   * init is given and in the paper's loop, else the model's recommendation.
   */
  readonly start?: "pair" | "words";
  /** What is learned: rows of the text embedding (the default), or the keys and values that the UNet makes of them. */
  readonly space?: InstructionSpace;
  /** Updates of the instruction. 0 takes the pair encoder's rows as they are. */
  readonly steps?: number;
  /** A whole number; it alone decides every random draw. */
  readonly seed: number;
  readonly learningRate?: number;
  /** Samples (timestep, noise, pair) in one update. */
  readonly batchSize?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  /** `"reference"` runs the paper's own loop; `"fast"` the same loss with fewer UNet evaluations. */
  readonly loop?: "fast" | "reference";
  /** Single choices of the loop, laid over those that `loop` makes. */
  readonly overrides?: Partial<LoopSettings>;
}

/** Each way in which the fast loop departs from the paper's, as a choice of its own. */
export interface LoopSettings {
  /** How many fixed samples (t, ε) the loop visits again and again; `"every timestep"` is one for each of the model's. */
  readonly samples: number | "every timestep";
  /** Keep the two branches that no instruction changes, or evaluate them at every step as the paper does. */
  readonly frozenBranches: "cached" | "recomputed";
  readonly schedule: LearningRateSchedule;
  /**
   * Which tokens to keep: those of the lowest L_mse over the fixed validation samples, or, as the paper does, those of the
   * lowest L_mse of a single step. A step's L_mse is taken before its update, so what is kept then are the tokens that the
   * step began with; those that the last update makes have no L_mse and are never kept.
   */
  readonly selection: "validation" | "lowest step loss";
  /** How many fixed samples the validation loss is the mean of: no more than a run makes updates of samples. */
  readonly validationSamples: number;
  /** Updates between two validations; 0 validates only the init and the end. */
  readonly validationEvery: number;
  readonly mseWeight: number;
  /** Of L_clip, which is a function of the text embedding. In kv space nothing learned reaches it, and the weight is 0. */
  readonly clipWeight: number;
}

export interface InversionSettings extends LoopSettings {
  readonly init: string;
  /** Absent where the first rows are the init's own, so that states and results of older versions keep their names. */
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

const validationSamples = 16;

const paperLoss = { mseWeight: 4, clipWeight: 0.1 } as const;

/** The paper's loop: each timestep once, in random order, one sample a step, constant learning rate. */
const referenceLoop: LoopSettings = {
  samples: "every timestep",
  frozenBranches: "recomputed",
  schedule: "constant",
  selection: "lowest step loss",
  validationSamples,
  validationEvery: 0,
  ...paperLoss,
};

const fastLoop: Omit<LoopSettings, "samples"> = {
  frozenBranches: "cached",
  schedule: "cosine",
  selection: "validation",
  validationSamples,
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

/** @throws VisibleError `invalid_option` naming the option that makes no sense */
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
    ...(steps * batchSize < validationSamples ? { validationSamples: steps * batchSize } : {}),
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
    "0 in the space kv, where the instruction has no text embedding that CLIP could read",
  );
  requireThat(
    isCount(settings.steps) || (settings.steps === 0 && start === "pair"),
    "steps",
    settings.steps,
    start === "pair"
      ? "a whole number, 0 or more"
      : "a whole number above 0 where learning starts from words",
  );
  requireThat(isCount(settings.batchSize), "batch size", settings.batchSize, "a whole number above 0");
  requireThat(
    Number.isSafeInteger(settings.seed) && settings.seed >= 0,
    "seed",
    settings.seed,
    "a whole number, 0 or more",
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
    "0 or more",
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
 * A sample costs its frozen branches once, so few are visited often. Where guidance gives those branches no weight a sample
 * costs nothing, and every timestep's is taken.
 */
function affordableSamples(guidance: Guidance): LoopSettings["samples"] {
  const { image, none } = branchWeights(guidance);
  return image === 0 && none === 0 ? "every timestep" : 64;
}

function requirePairStart({ start }: Pipeline["defaults"], { init }: Pick<InversionOptions, "init">): void {
  if (start !== "pair")
    throw new VisibleError(
      "no_pair_encoder",
      "Learning cannot start from the pair: the model has no pair_encoder/; start from words.",
    );
  if (init !== undefined)
    throw new VisibleError(
      "invalid_option",
      `Learning starts either from the pair or from the words "${init}"; leave one of the two out.`,
    );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function requireThat(holds: boolean, name: string, value: unknown, wanted: string): void {
  if (!holds) throw new VisibleError("invalid_option", `The ${name} is ${value}; it must be ${wanted}.`);
}
