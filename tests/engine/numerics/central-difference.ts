/**
 * ∂f/∂x by central differences, (f(x + h) − f(x − h)) / 2h, in float64.
 *
 * With h = 2⁻¹⁴ the truncation is of order h² ≈ 4e-9 and the rounding of order 1e-16 / h ≈ 2e-12.
 */
export function centralDifference(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  step = 2 ** -14,
): Float64Array {
  const moved = Float64Array.from(x);
  return Float64Array.from(x, (element, index) => {
    moved[index] = element + step;
    const above = f(moved);
    moved[index] = element - step;
    const below = f(moved);
    moved[index] = element;
    return (above - below) / (2 * step);
  });
}
