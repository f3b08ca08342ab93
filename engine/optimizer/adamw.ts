/**
 * Options of AdamW with decoupled weight decay (Loshchilov & Hutter 2019). Defaults are PyTorch's and the
 * paper's.
 */
interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export const adamWDefaults: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2 };

/** The optimizer's state between two steps. A run that restores it continues with the same bits. */
export interface AdamWState {
  /** Completed updates. */
  readonly step: number;
  /** m: running mean of the gradient. */
  readonly mean: Float32Array;
  /** v: running mean of the squared gradient. */
  readonly square: Float32Array;
}

export function initAdamW(size: number): AdamWState {
  return { step: 0, mean: new Float32Array(size), square: new Float32Array(size) };
}

/**
 * One update: θ ← θ − η·λ·θ − η·m̂/(√v̂ + ε), where m̂ and v̂ are bias-corrected.
 *
 * @param parameters θ, left unchanged @param learningRate η @returns the new parameters and state
 */
export function updateAdamW(
  parameters: Float32Array,
  gradient: Float32Array,
  state: AdamWState,
  learningRate: number,
  { beta1, beta2, epsilon, weightDecay }: AdamWOptions = adamWDefaults,
): { parameters: Float32Array; state: AdamWState } {
  const step = state.step + 1;
  const meanBias = 1 - beta1 ** step;
  const squareBias = 1 - beta2 ** step;
  const mean = state.mean.map((m, i) => beta1 * m + (1 - beta1) * gradient[i]!);
  const square = state.square.map((v, i) => beta2 * v + (1 - beta2) * gradient[i]! ** 2);
  const next = parameters.map((theta, i) => {
    const decayed = theta * (1 - learningRate * weightDecay);
    return decayed - (learningRate * (mean[i]! / meanBias)) / (Math.sqrt(square[i]! / squareBias) + epsilon);
  });
  return { parameters: next, state: { step, mean, square } };
}
