import { type ImagePair, invert } from "../gpu-worker/inversion/invert.ts";
import type { InversionOptions } from "../gpu-worker/inversion/settings.ts";
import type { Pipeline } from "../gpu-worker/pipeline/pipeline.ts";

export interface QualityFigures {
  /** Lowest validation loss of the paper's loop, over its learning rate and ours. */
  readonly referenceValidation: number;
  readonly referenceLearningRate: number;
  /** The paper's loop evaluates the UNet 3 times forward and 3 times backward at each of its 1000 steps. */
  readonly referenceEvaluations: number;
  readonly fastValidation: number;
  /** Evaluations, forward and backward, after which the fast loop was first at or below it; absent if it never was. */
  readonly fastEvaluations: number | undefined;
}

const paperSteps = 1000;
const common = { seed: 1 } as const;

/**
 * UNet evaluations that the fast loop needs to reach the validation loss of the paper's loop, on one pair with the same
 * guidance and the same validation samples (they depend on the seed alone).
 *
 * @param onProgress is told what runs
 */
export async function benchEvaluations(
  pipeline: Pipeline,
  pair: ImagePair,
  onProgress: (what: string) => void,
): Promise<QualityFigures> {
  const { textGuidance, imageGuidance, learningRate } = pipeline.defaults.inversion;
  const guidance = { textGuidance, imageGuidance };
  const learn = (what: string, options: Omit<InversionOptions, "seed">) => {
    onProgress(what);
    return invert(pipeline, [pair], { ...common, ...guidance, ...options });
  };
  let best = { validation: Number.POSITIVE_INFINITY, rate: 0 };
  for (const rate of [1e-3, learningRate]) {
    const { info } = await learn(`the paper's loop, learning rate ${rate}`, {
      loop: "reference",
      steps: paperSteps,
      learningRate: rate,
      overrides: { validationSamples: 16 },
    });
    if (info.losses.validation < best.validation) best = { validation: info.losses.validation, rate };
  }
  const { info } = await learn("the fast loop", { overrides: { validationEvery: 5 } });
  const { curve, validation } = info.losses;
  const reached = curve.find(
    (point) => point.validation !== undefined && point.validation <= best.validation,
  );
  const { batchSize } = pipeline.defaults.inversion;
  const validations = reached
    ? 1 + curve.filter((p) => p.validation !== undefined && p.step <= reached.step).length
    : 0;
  return {
    referenceValidation: best.validation,
    referenceLearningRate: best.rate,
    referenceEvaluations: 6 * paperSteps,
    fastValidation: validation,
    fastEvaluations: reached && frozenEvaluations(guidance) + 2 * batchSize * reached.step + 16 * validations,
  };
}

/** Frozen branches of the 64 training and 16 validation samples: none where guidance leaves the branch out. */
function frozenEvaluations({
  textGuidance,
  imageGuidance,
}: {
  textGuidance: number;
  imageGuidance: number;
}): number {
  return (64 + 16) * (Number(imageGuidance !== textGuidance) + Number(imageGuidance !== 1));
}
