import { VisibleError } from "../errors.ts";
import type { InversionLoss, LossAndGradient } from "./inversion-loss.ts";
import type { Sample } from "./samples.ts";

/**
 * By how much the loss is multiplied before it is differentiated in half precision, where cotangents below 2⁻²⁴ vanish and those
 * above 65504 are infinite (Micikevicius et al. 2018, "Mixed precision training"). Always a power of two, so that scaling rounds
 * nothing. It is a function of the gradients seen so far alone, hence part of a run's state.
 */
export interface LossScale {
  readonly factor: number;
  /** Updates since it last changed. */
  readonly goodSteps: number;
}

export const initialLossScale: LossScale = { factor: 2 ** 15, goodSteps: 0 };
const smallest = 2 ** -14;
const largest = 2 ** 24;
/** Runs have some hundred updates, so it looks up again sooner than the usual 2000. */
const growAfter = 200;

function halved({ factor }: LossScale): LossScale {
  return { factor: factor / 2, goodSteps: 0 };
}

/** The scale for the next update, after one whose gradient was finite. */
export function afterGoodStep({ factor, goodSteps }: LossScale): LossScale {
  if (goodSteps + 1 < growAfter) return { factor, goodSteps: goodSteps + 1 };
  return { factor: Math.min(largest, factor * 2), goodSteps: 0 };
}

/**
 * Loss and gradient of a batch. Under a scale, a gradient that is not finite is thrown away, and the same batch is evaluated
 * again under half of it: no update is made of such a gradient, and none is lost.
 *
 * @param scale none in float32 @returns also the scale for the next update
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
    // A loss that is not finite comes from the forward pass, which no scale mends.
    if (!Number.isFinite(made.loss)) return made;
    if (made.gradient.every(Number.isFinite)) return { ...made, lossScale: afterGoodStep(tried) };
  }
  throw new VisibleError(
    "half_precision_overflow",
    `The gradient leaves the range of half precision whatever the loss is scaled by (down to ${smallest}); choose --precision fp32.`,
  );
}
