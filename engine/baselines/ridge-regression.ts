import { InternalError } from "../errors.ts";

/**
 * Ridge regression (Hoerl & Kennard 1970) of m targets y on k features x, by its normal equations:
 *
 *     W = argmin Σ ‖y − Wᵀx‖² + λ‖W‖² = (G + λ·1)⁻¹ C,     G = Σ x·xᵀ,   C = Σ x·yᵀ
 *
 * Only the sums are kept, in float64. Rows can be added one at a time, and sums of disjoint rows added or
 * subtracted.
 */
export class NormalEquations {
  readonly features: number;
  readonly targets: number;
  #rows = 0;
  /** G, [k, k]; only the upper triangle is stored. */
  readonly #gram: Float64Array;
  /** C, [k, m]. */
  readonly #cross: Float64Array;
  /** Σ ‖y‖². */
  #squares = 0;

  constructor(features: number, targets: number) {
    this.features = features;
    this.targets = targets;
    this.#gram = new Float64Array(features * features);
    this.#cross = new Float64Array(features * targets);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds one row: x [k], y [m]. */
  add(x: Float64Array, y: Float64Array): void {
    const { features: k, targets: m } = this;
    for (let i = 0; i < k; i++) {
      const xi = x[i]!;
      for (let j = i; j < k; j++) this.#gram[i * k + j]! += xi * x[j]!;
      for (let t = 0; t < m; t++) this.#cross[i * m + t]! += xi * y[t]!;
    }
    for (let t = 0; t < m; t++) this.#squares += y[t]! ** 2;
    this.#rows += 1;
  }

  /** The sums over the rows of both. */
  plus(other: NormalEquations): NormalEquations {
    return this.#combine(other, 1);
  }

  /** The sums without the rows of `part`, which must be a subset. */
  minus(part: NormalEquations): NormalEquations {
    return this.#combine(part, -1);
  }

  #combine(other: NormalEquations, sign: 1 | -1): NormalEquations {
    const sum = new NormalEquations(this.features, this.targets);
    for (let i = 0; i < this.#gram.length; i++) sum.#gram[i] = this.#gram[i]! + sign * other.#gram[i]!;
    for (let i = 0; i < this.#cross.length; i++) sum.#cross[i] = this.#cross[i]! + sign * other.#cross[i]!;
    sum.#squares = this.#squares + sign * other.#squares;
    sum.#rows = this.#rows + sign * other.#rows;
    return sum;
  }

  /** W, [k, m] row-major. @param lambda above 0 */
  solve(lambda: number): Float64Array {
    const { features: k, targets: m } = this;
    const factor = this.#cholesky(lambda);
    const weights = Float64Array.from(this.#cross);
    for (let t = 0; t < m; t++) {
      // L·z = c, then Lᵀ·w = z.
      for (let i = 0; i < k; i++) {
        let sum = weights[i * m + t]!;
        for (let j = 0; j < i; j++) sum -= factor[i * k + j]! * weights[j * m + t]!;
        weights[i * m + t] = sum / factor[i * k + i]!;
      }
      for (let i = k - 1; i >= 0; i--) {
        let sum = weights[i * m + t]!;
        for (let j = i + 1; j < k; j++) sum -= factor[j * k + i]! * weights[j * m + t]!;
        weights[i * m + t] = sum / factor[i * k + i]!;
      }
    }
    return weights;
  }

  /** Σ ‖y − Wᵀx‖² over these rows for any W [k, m]: Σ ‖y‖² − 2·⟨W, C⟩ + ⟨W, G·W⟩, clamped to at least 0. */
  squaredError(weights: Float64Array): number {
    const { features: k, targets: m } = this;
    let error = this.#squares;
    for (let i = 0; i < weights.length; i++) error -= 2 * weights[i]! * this.#cross[i]!;
    for (let i = 0; i < k; i++)
      for (let j = i; j < k; j++) {
        let product = 0;
        for (let t = 0; t < m; t++) product += weights[i * m + t]! * weights[j * m + t]!;
        error += (i === j ? 1 : 2) * this.#gram[i * k + j]! * product;
      }
    return Math.max(0, error);
  }

  /** The lower triangular L, [k, k], with L·Lᵀ = G + λ·1. */
  #cholesky(lambda: number): Float64Array {
    const k = this.features;
    const factor = new Float64Array(k * k);
    for (let j = 0; j < k; j++)
      for (let i = j; i < k; i++) {
        let sum = this.#gram[j * k + i]! + (i === j ? lambda : 0);
        for (let p = 0; p < j; p++) sum -= factor[i * k + p]! * factor[j * k + p]!;
        if (i === j && !(sum > 0))
          throw new InternalError(`ridge regression: pivot ${j} is ${sum}, λ ${lambda}`);
        factor[i * k + j] = i === j ? Math.sqrt(sum) : sum / factor[j * k + j]!;
      }
    return factor;
  }
}
