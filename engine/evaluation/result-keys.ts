import { defined } from "../../shared/defined.ts";
import type { EditOptions } from "../editing/edit.ts";
import { type InversionOptions, resolveSettings } from "../inversion/settings.ts";
import { nameClip } from "../pipeline/clip-space.ts";
import { hashWeights } from "../pipeline/hash-weights.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { OpenCase } from "./evaluation-case.ts";
import { keyOf } from "./finished-work.ts";
import { isSeeded, type Method, methodName } from "./method.ts";

/** Settings shared by all cases and seeds. Absent options use the model's defaults. */
export interface EvaluationSettings {
  readonly learning: Omit<InversionOptions, "seed">;
  readonly editing: Omit<EditOptions, "seed" | "variation">;
}

/** Learning options of a method: the settings, with the method's own space and start. */
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
  return { ...learning, ...defined({ space, start }), seed };
}

/** All settings, with the model's defaults filled in. */
export function describeSettings(pipeline: Pipeline, { learning, editing }: EvaluationSettings) {
  const { sampler, resolution } = pipeline.defaults;
  const { seed: _, ...resolved } = resolveSettings(pipeline, { ...learning, seed: 0 });
  return {
    learning: resolved,
    editing: { noise: "fixed", ...sampler, resolution, ...editing },
    ...precisionOf(pipeline),
  };
}

/** Omits float32, so that keys of older versions stay valid. */
function precisionOf({ precision }: Pipeline) {
  return precision === "fp32" ? {} : { precision };
}

/** Keys of results: hashes of all inputs. */
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

  /** Key of an instruction. */
  learning(openCase: OpenCase, pairs: number, options: InversionOptions): string {
    return keyOf({ case: openCase.digest, pairs, ...this.#learning(options) });
  }

  /** Key of a method's results on a case. */
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
