/**
 * Weights are integers from −63 to 63. Without VNNI, a CPU adds pairs of 8-bit products in 16 bits, and 2 ·
 * 255 · 63 is the largest sum of this form that fits.
 */
export const quantizedLevels = 63;

/** Scale of a column of zeros: any positive number. */
export const minScale = 2 ** -100;

interface QuantizedColumns {
  /** [K, N] */
  readonly integers: Int8Array<ArrayBuffer>;
  /** [N] */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * The operator `QuantizeWeight` for weights [K, N], with the bits that onnxruntime computes: each column is
 * its scale times integers, and the scale is that of the column's largest magnitude.
 */
export function quantizeColumns(weights: Float32Array, columns: number): QuantizedColumns {
  const scales = new Float32Array(columns);
  for (let start = 0; start < weights.length; start += columns)
    for (let column = 0; column < columns; column++) {
      const magnitude = Math.abs(weights[start + column]!);
      if (magnitude > scales[column]!) scales[column] = magnitude;
    }
  for (let column = 0; column < columns; column++)
    scales[column] = Math.max(Math.fround(scales[column]! / quantizedLevels), minScale);
  const integers = new Int8Array(weights.length);
  for (let start = 0; start < weights.length; start += columns)
    for (let column = 0; column < columns; column++)
      integers[start + column] = roundToEven(Math.fround(weights[start + column]! / scales[column]!));
  return { integers, scales };
}

/** Adding 1.5 · 2⁵² leaves no fraction bits, and the addition rounds a tie to the even number. */
function roundToEven(x: number): number {
  return x + 0x18_0000_0000_0000 - 0x18_0000_0000_0000;
}
