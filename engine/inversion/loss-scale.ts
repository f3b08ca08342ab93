import { VisibleError } from "../errors.ts";
import type { InversionLoss, LossAndGradient } from "./inversion-loss.ts";
import type { Sample } from "./samples.ts";

/**
 * Factor of the loss in half precision, where cotangents below 2⁻²⁴ underflow and those above 65504 overflow
 * (Micikevicius et al. 2018, "Mixed precision training"). Always a power of two, so that scaling is exact. It
 * depends only on the gradients so far and is part of a run's state.
 */
export interface LossScale {
  readonly factor: number;
  /** Updates since the last change. */
  readonly goodSteps: number;
}

export const initialLossScale: LossScale = { factor: 2 ** 15, goodSteps: 0 };
const smallest = 2 ** -14;
const largest = 2 ** 24;
/** Runs have a few hundred updates, so the scale grows sooner than after the usual 2000. */
const growAfter = 200;

function halved({ factor }: LossScale): LossScale {
  return { factor: factor / 2, goodSteps: 0 };
}

/** The scale after an update with a finite gradient. */
export function afterGoodStep({ factor, goodSteps }: LossScale): LossScale {
  if (goodSteps + 1 < growAfter) return { factor, goodSteps: goodSteps + 1 };
  return { factor: Math.min(largest, factor * 2), goodSteps: 0 };
}

/**
 * Computes loss and gradient of a batch. A non-finite gradient is discarded, and the same batch is evaluated
 * again with half the scale, so no update is lost.
 *
 * @param scale undefined in float32 @returns also the scale for the next update
 * @throws VisibleError `half_precision_overflow` if no scale makes the gradient finite
 */
export async function differentiate(
  loss: Pick<InversionLoss, "evaluate">,
  batch: readonly Sample[],
  instruction: Float32Array,
  scale: LossScale | undefined,
): Promise<LossAndGradient & { readonly lossScale?: LossScale }> {
  if (!scale) return loss.evaluate(batch, instruction);
  for (let tried = scale; tried.factor >= smallest; tried = halved(tried)) {
    const made = await loss.evaluate(batch, instruction, tried.factor);
    // A non-finite loss comes from the forward pass, so a smaller scale does not help.
    if (!Number.isFinite(made.loss)) return made;
    if (made.gradient.every(Number.isFinite)) return { ...made, lossScale: afterGoodStep(tried) };
  }
  throw new VisibleError(
    "half_precision_overflow",
    `The gradient overflows half precision at every loss scale down to ${smallest}; use --precision fp32.`,
  );
}
