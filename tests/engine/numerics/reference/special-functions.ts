/**
 * The error function, to float64's precision: 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all
 * of one sign (Abramowitz & Stegun 7.1.6). Beyond |x| = 6 it is ±1 in float64.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/**
 * The nearest IEEE half (11 significant bits, exponents −14 … 15, subnormals in steps of 2⁻²⁴), ties to even;
 * infinite beyond 65 520.
 */
export function roundToHalf(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -14);
  const unit = 2 ** (exponent - 10);
  const scaled = Math.abs(x) / unit;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  const result = rounded * unit;
  return Math.sign(x) * (result > 65504 ? Number.POSITIVE_INFINITY : result);
}
