import { lossesOf } from "../../engine/instruction/instruction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { invert } from "../../engine/inversion/invert.ts";
import type { InversionOptions } from "../../engine/inversion/settings.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

/** A run of the paper's loop, and when the fast loop matches it. */
interface Comparison {
  readonly learningRate: number;
  /** L_mse of the paper's final tokens on the validation samples. */
  readonly validation: number;
  /**
   * Evaluations of the fast loop, forward and backward, when it first reached that loss; absent if it did
   * not.
   */
  readonly fastEvaluations: number | undefined;
}

interface QualityFigures {
  /** The paper's loop evaluates the UNet 3 times forward and 3 times backward at each of its 1000 steps. */
  readonly referenceEvaluations: number;
  readonly fastValidation: number;
  readonly comparisons: readonly Comparison[];
}

const paperSteps = 1000;
const paperLearningRate = 1e-3;
const validationEvery = 5;
const common = { seed: 1 } as const;

/**
 * UNet evaluations that the fast loop needs to reach the validation loss of the paper's loop, on one pair
 * with the same guidance and validation samples (which depend only on the seed): the paper's loop at its own
 * learning rate, and at this model's. Validations are excluded from both counts, because the paper's loop has
 * none.
 *
 * @param onProgress called with the name of the current run
 */
export async function benchEvaluations(
  pipeline: Pipeline,
  pair: ImagePair,
  onProgress: (what: string) => void,
): Promise<QualityFigures> {
  const { textGuidance, imageGuidance, learningRate, batchSize } = pipeline.defaults.inversion;
  const guidance = { textGuidance, imageGuidance };
  const learn = async (what: string, options: Omit<InversionOptions, "seed">) => {
    onProgress(what);
    return lossesOf((await invert(pipeline, [pair], { ...common, ...guidance, ...options })).info);
  };
  const fast = await learn("the fast loop", { overrides: { validationEvery } });
  const frozen = Number(imageGuidance !== textGuidance) + Number(imageGuidance !== 1);
  const comparisons: Comparison[] = [];
  for (const rate of [paperLearningRate, learningRate]) {
    const { validation } = await learn(`the paper's loop, learning rate ${rate}`, {
      loop: "reference",
      steps: paperSteps,
      learningRate: rate,
    });
    const reached = fast.curve.find(
      (point) => point.validation !== undefined && point.validation <= validation,
    );
    comparisons.push({
      learningRate: rate,
      validation,
      fastEvaluations: reached && 64 * frozen + 2 * batchSize * reached.step,
    });
  }
  return { referenceEvaluations: 6 * paperSteps, fastValidation: fast.validation, comparisons };
}
