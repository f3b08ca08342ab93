/**
 * Exact conversion of 16-bit floats to float32, and rounding back. Values are 16 raw bits in the machine's
 * byte order, which is little-endian on all supported platforms, as in the file.
 */

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  const table = float16Table();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]!]!;
  return values;
}

/** bfloat16: the upper half of a float32. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/**
 * Rounds float32 to binary16, to nearest, ties to even, including subnormals; NaN stays NaN.
 *
 * @param bits receives 16 raw bits per element
 */
export function narrowToFloat16(values: Float32Array, bits: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000) half = 0x7e00;
    // Values from 65520 are closer to infinity than to 65504.
    else if (magnitude >= 0x477ff000) half = 0x7c00;
    else if (magnitude >= 0x38800000) {
      // Normal: the exponent's bias decreases by 112, and 13 bits of the fraction are rounded off.
      const rebiased = magnitude - 0x38000000;
      half = (rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13;
    } else {
      // Subnormal: in units of 2^-24. Adding 0.5 makes the float32 sum do the rounding.
      float[0] = Math.abs(values[i]!) + 0.5;
      half = floatBits[0]! - 0x3f000000;
    }
    bits[i] = sign | half;
  }
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

let table: Float32Array | undefined;

/** All 65,536 values, computed on first use: a lookup is several times faster than decoding each number. */
function float16Table(): Float32Array {
  if (table !== undefined) return table;
  table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return table;
}
