import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import { parsePythonJson } from "../files/parse-python-json.ts";

export type PredictionType = "epsilon" | "v_prediction" | "sample";
export type TimestepSpacing = "leading" | "linspace" | "trailing";

/**
 * The supported keys of diffusers' scheduler_config.json. `timestep_spacing` has no default here, because
 * each sampler has its own, as in diffusers.
 */
const schema = z.object({
  num_train_timesteps: z.number().int().min(2).max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).default(0.0001),
  beta_end: z.number().positive().lt(1).default(0.02),
  beta_schedule: z.enum(["linear", "scaled_linear", "squaredcos_cap_v2"]).default("linear"),
  trained_betas: z.array(z.number().min(0).lt(1)).min(2).nullish(),
  prediction_type: z.enum(["epsilon", "v_prediction", "sample"]).default("epsilon"),
  timestep_spacing: z.enum(["leading", "linspace", "trailing"]).optional(),
  steps_offset: z.number().int().min(0).default(0),
  rescale_betas_zero_snr: z.boolean().default(false),
  set_alpha_to_one: z.boolean().default(true),
  clip_sample: z.boolean().optional(),
  clip_sample_range: z.number().positive().default(1),
  original_inference_steps: z.number().int().positive().default(50),
  timestep_scaling: z.number().positive().default(10),
});

/** Keys of which only these values are implemented. */
const onlyValues: Readonly<Record<string, readonly unknown[]>> = {
  thresholding: [false],
  use_karras_sigmas: [false, null],
  use_exponential_sigmas: [false, null],
  use_beta_sigmas: [false, null],
  use_flow_sigmas: [false, null],
  use_lu_lambdas: [false, null],
  use_dynamic_shifting: [false, null],
  sigma_min: [null],
  sigma_max: [null],
  timestep_type: ["discrete"],
  interpolation_type: ["linear"],
  final_sigmas_type: ["zero"],
  predict_epsilon: [true],
};

/**
 * Ignored keys. Samplers are chosen by name and have fixed settings here, so the settings of the config's own
 * solver do not apply; the rest belongs to features that `onlyValues` requires to be off.
 */
const withoutEffect = new Set([
  // Of thresholding.
  "dynamic_thresholding_ratio",
  "sample_max_value",
  // Of flow sigmas and dynamic shifting.
  "flow_shift",
  "time_shift_type",
  "shift_terminal",
  // Of PNDM, DDPM and the DDIM inversion.
  "skip_prk_steps",
  "variance_type",
  "set_alpha_to_zero",
  // Of DPM-Solver, DEIS, UniPC and SA-Solver.
  "algorithm_type",
  "solver_order",
  "solver_type",
  "solver_p",
  "predictor_order",
  "corrector_order",
  "lower_order_final",
  "euler_at_final",
  "lambda_min_clipped",
  "predict_x0",
  "disable_corrector",
  "noise_sampler_seed",
  "tau_func",
]);

/**
 * diffusers' schedulers whose noise levels are those of discrete timesteps with betas. The others have other
 * processes (flow matching, EDM, score SDEs, masked tokens) or a schedule that is not in their config.
 */
const classes = new Set([
  "DDIMInverseScheduler",
  "DDIMParallelScheduler",
  "DDIMScheduler",
  "DDPMParallelScheduler",
  "DDPMScheduler",
  "DEISMultistepScheduler",
  "DPMSolverMultistepInverseScheduler",
  "DPMSolverMultistepScheduler",
  "DPMSolverSDEScheduler",
  "DPMSolverSinglestepScheduler",
  "EulerAncestralDiscreteScheduler",
  "EulerDiscreteScheduler",
  "HeunDiscreteScheduler",
  "KDPM2AncestralDiscreteScheduler",
  "KDPM2DiscreteScheduler",
  "LCMScheduler",
  "LMSDiscreteScheduler",
  "PNDMScheduler",
  "SASolverScheduler",
  "TCDScheduler",
  "UniPCMultistepScheduler",
]);

export interface SchedulerConfig {
  /** T, the number of noise levels the model was trained on. */
  readonly trainTimesteps: number;
  readonly betas:
    | { readonly schedule: "linear" | "scaled_linear"; readonly start: number; readonly end: number }
    | { readonly schedule: "squaredcos_cap_v2" }
    | { readonly schedule: "trained"; readonly values: readonly number[] };
  readonly predictionType: PredictionType;
  /** Absent if the config has none: DDIM then uses `leading`, the others `linspace`. */
  readonly timestepSpacing?: TimestepSpacing;
  readonly stepsOffset: number;
  readonly zeroTerminalSnr: boolean;
  /** DDIM's last step goes to ᾱ = 1 instead of ᾱ₀. */
  readonly setAlphaToOne: boolean;
  /** DDIM, Heun and LCM clamp their estimate of x₀ to ± this value; absent without clamping. */
  readonly clipSampleRange?: number;
  /** Distillation settings of a latent consistency model. */
  readonly consistency: { readonly originalSteps: number; readonly timestepScaling: number };
}

/**
 * Reads a parsed scheduler_config.json of any of the {@link classes}. Every sampler can be created from the
 * result.
 *
 * One difference from diffusers: a missing `clip_sample` counts as true only in a DDIM or DDPM config.
 * diffusers applies DDIM's default also to configs of samplers without that key, which would clip latents to
 * ±1.
 *
 * @param subject name of the file in errors
 * @throws VisibleError `unsupported_scheduler`, naming the key
 */
export function parseSchedulerConfig(json: unknown, subject: string): SchedulerConfig {
  const refuse = (key: string, reason: string) =>
    new VisibleError("unsupported_scheduler", `${subject}: ${key} ${reason}.`);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw refuse("it", "is not a JSON object");
  const className = (json as { _class_name?: unknown })._class_name;
  if (className !== undefined && !classes.has(String(className)))
    throw refuse(
      "_class_name",
      `is ${JSON.stringify(className)}, whose noise schedule is not supported; supported are those with betas, such as DDIMScheduler`,
    );

  for (const [key, value] of Object.entries(json)) {
    if (key.startsWith("_") || Object.hasOwn(schema.shape, key) || withoutEffect.has(key)) continue;
    const supported = Object.hasOwn(onlyValues, key) ? onlyValues[key] : undefined;
    if (supported === undefined) throw refuse(key, "is not a supported key; remove it if it has no effect");
    if (!supported.includes(value))
      throw refuse(
        key,
        `is ${JSON.stringify(value)}; only ${supported.map(String).join(" or ")} is supported`,
      );
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw refuse(issue?.path.join(".") || "it", `is not supported (${issue?.message ?? "malformed"})`);
  }

  const raw = result.data;
  if (raw.trained_betas && raw.trained_betas.length !== raw.num_train_timesteps)
    throw refuse(
      "trained_betas",
      `has ${raw.trained_betas.length} values for ${raw.num_train_timesteps} timesteps`,
    );
  const clips = raw.clip_sample ?? (className === "DDIMScheduler" || className === "DDPMScheduler");
  return {
    trainTimesteps: raw.num_train_timesteps,
    betas: betasOf(raw),
    predictionType: raw.prediction_type,
    ...(raw.timestep_spacing && { timestepSpacing: raw.timestep_spacing }),
    stepsOffset: raw.steps_offset,
    zeroTerminalSnr: raw.rescale_betas_zero_snr,
    setAlphaToOne: raw.set_alpha_to_one,
    ...(clips && { clipSampleRange: raw.clip_sample_range }),
    consistency: { originalSteps: raw.original_inference_steps, timestepScaling: raw.timestep_scaling },
  };
}

function betasOf(raw: z.infer<typeof schema>): SchedulerConfig["betas"] {
  if (raw.trained_betas) return { schedule: "trained", values: raw.trained_betas };
  if (raw.beta_schedule === "squaredcos_cap_v2") return { schedule: raw.beta_schedule };
  return { schedule: raw.beta_schedule, start: raw.beta_start, end: raw.beta_end };
}

/**
 * Reads `scheduler_config.json` of a `scheduler` folder in diffusers layout.
 *
 * @throws VisibleError `scheduler_not_found`, `unsupported_scheduler`
 */
export async function readSchedulerConfig(folder: string): Promise<SchedulerConfig> {
  const path = join(folder, "scheduler_config.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new VisibleError("scheduler_not_found", `${path} cannot be read; check the model folder.`, {
      cause,
    });
  });
  let json: unknown;
  try {
    json = parsePythonJson(text);
  } catch (cause) {
    throw new VisibleError("unsupported_scheduler", `${path} is not valid JSON; download it again.`, {
      cause,
    });
  }
  return parseSchedulerConfig(json, path);
}
