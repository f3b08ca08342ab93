import type { EditOptions } from "../editing/edit.ts";
import { type InversionOptions, resolveSettings } from "../inversion/settings.ts";
import { nameClip } from "../pipeline/clip-space.ts";
import { hashWeights } from "../pipeline/hash-weights.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { OpenCase } from "./evaluation-case.ts";
import { keyOf } from "./finished-work.ts";
import { isSeeded, type Method, methodName } from "./method.ts";

/** Settings shared by every case and seed; what is absent is the model's recommendation. */
export interface EvaluationSettings {
  readonly learning: Omit<InversionOptions, "seed">;
  readonly editing: Omit<EditOptions, "seed" | "variation">;
}

/** What a method learns with: the settings' options, in the method's own space and from its own start if it has one. */
export function learningOptions(
  { learning }: EvaluationSettings,
  method: Method,
  seed: number,
): InversionOptions {
  if (method.kind === "pair") {
    const { init: _, ...rest } = learning;
    return { ...rest, start: "pair", steps: 0, seed };
  }
  const { space, start } = method.kind === "learned" ? method : {};
  return { ...learning, ...(space ? { space } : {}), ...(start ? { start } : {}), seed };
}

/** The settings in full: the given ones and the model's. */
export function describeSettings(pipeline: Pipeline, { learning, editing }: EvaluationSettings) {
  const { sampler, resolution } = pipeline.defaults;
  const { seed: _, ...resolved } = resolveSettings(pipeline, { ...learning, seed: 0 });
  return {
    learning: resolved,
    editing: { noise: "fixed", ...sampler, resolution, ...editing },
    ...precisionOf(pipeline),
  };
}

/** Named only where it is not float32, so that results of older versions keep their names. */
function precisionOf({ precision }: Pipeline) {
  return precision === "fp32" ? {} : { precision };
}

/** Names results by whatever decides them. */
export class ResultKeys {
  readonly #pipeline: Pipeline;
  readonly #settings: EvaluationSettings;
  readonly #weights: readonly string[];

  private constructor(pipeline: Pipeline, settings: EvaluationSettings, weights: readonly string[]) {
    this.#pipeline = pipeline;
    this.#settings = settings;
    this.#weights = weights;
  }

  static async of(pipeline: Pipeline, settings: EvaluationSettings): Promise<ResultKeys> {
    const { weightHash, model } = pipeline;
    const vae = await hashWeights([model.vae.component], model.identities);
    const clip = await nameClip(pipeline);
    const { pairEncoder } = model;
    const encoder = pairEncoder ? [await hashWeights([pairEncoder.component], model.identities)] : [];
    return new ResultKeys(pipeline, settings, [weightHash, vae, clip?.weightHash ?? "no CLIP", ...encoder]);
  }

  /** Of an instruction. */
  learning(openCase: OpenCase, pairs: number, options: InversionOptions): string {
    return keyOf({ case: openCase.digest, pairs, ...this.#learning(options) });
  }

  /** Of a method's results on a case. */
  results(openCase: OpenCase, method: Method, seed: number): string {
    const { editing } = describeSettings(this.#pipeline, this.#settings);
    return keyOf({
      case: [openCase.name, openCase.digest],
      method: methodName(method),
      seed,
      weights: this.#weights,
      ...(isSeeded(method) ? { editing, ...precisionOf(this.#pipeline) } : {}),
      ...(method.kind === "pair" || method.kind === "learned" || method.kind === "hybrid"
        ? this.#learning(learningOptions(this.#settings, method, seed))
        : {}),
    });
  }

  #learning(options: InversionOptions): object {
    const { resolution } = this.#pipeline.defaults;
    return {
      learning: resolveSettings(this.#pipeline, options),
      resolution,
      weights: this.#weights,
      ...precisionOf(this.#pipeline),
    };
  }
}
