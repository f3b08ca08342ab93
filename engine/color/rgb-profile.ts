/** A transfer function: encoded value in [0, 1] to linear light, and back. */
export interface TransferCurve {
  decode(encoded: number): number;
  encode(linear: number): number;
}

/** An RGB color space: primaries and transfer functions, as in an ICC profile of the kind matrix/TRC. */
export interface RgbProfile {
  /** Linear RGB to CIE XYZ (D50), row-major. */
  readonly toXyz: readonly number[];
  /** By channel. */
  readonly curves: readonly [TransferCurve, TransferCurve, TransferCurve];
}

/** The curve (a·x + b)^g + c for x ≥ d, and s·x + f below (ICC.1, `parametricCurveType` 4). */
export function parametricCurve(g: number, a = 1, b = 0, s = 0, d = 0, c = 0, f = 0): TransferCurve {
  const corner = s * d + f;
  return {
    decode: (x) => (x >= d ? Math.max(0, a * x + b) ** g + c : s * x + f),
    encode: (y) => (y < corner && s > 0 ? (y - f) / s : (Math.max(0, y - c) ** (1 / g) - b) / a),
  };
}

/** Linear interpolation in evenly spaced, increasing samples. */
export function sampledCurve(samples: readonly number[]): TransferCurve {
  const last = samples.length - 1;
  return {
    decode(x) {
      const at = Math.min(1, Math.max(0, x)) * last;
      const low = Math.min(last - 1, Math.floor(at));
      return samples[low]! + (at - low) * (samples[low + 1]! - samples[low]!);
    },
    encode(y) {
      let [low, high] = [0, last];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (samples[middle]! <= y) low = middle;
        else high = middle;
      }
      const rise = samples[high]! - samples[low]!;
      const share = rise > 0 ? Math.min(1, Math.max(0, (y - samples[low]!) / rise)) : 0;
      return (low + share) / last;
    },
  };
}

const srgbCurve = parametricCurve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);

/** sRGB (IEC 61966-2-1), adapted to D50. */
export const srgb: RgbProfile = {
  toXyz: [0.436066, 0.385147, 0.143066, 0.222488, 0.716873, 0.060608, 0.013916, 0.097076, 0.714096],
  curves: [srgbCurve, srgbCurve, srgbCurve],
};

/** Whether two color spaces agree within the rounding of profiles. */
export function isSameSpace(a: RgbProfile, b: RgbProfile): boolean {
  return (
    a.toXyz.every((value, at) => Math.abs(value - b.toXyz[at]!) < 0.002) &&
    a.curves.every((curve, channel) =>
      [0.02, 0.1, 0.25, 0.5, 0.75].every(
        (x) => Math.abs(b.curves[channel]!.encode(curve.decode(x)) - x) < 0.01,
      ),
    )
  );
}

/**
 * Converts planar pixels [3, n] in −1 … 1 between color spaces. Colors outside the target's gamut are
 * clipped.
 */
export function convertPixels(data: Float32Array, from: RgbProfile, to: RgbProfile): Float32Array {
  const [a, b, c, d, e, f, g, h, i] = multiply(invert(to.toXyz), from.toXyz) as Matrix;
  const area = data.length / 3;
  const result = new Float32Array(data.length);
  const read = (channel: 0 | 1 | 2, pixel: number) =>
    from.curves[channel].decode((data[channel * area + pixel]! + 1) / 2);
  const write = (channel: 0 | 1 | 2, pixel: number, linear: number) => {
    result[channel * area + pixel] = 2 * to.curves[channel].encode(Math.min(1, Math.max(0, linear))) - 1;
  };
  for (let pixel = 0; pixel < area; pixel++) {
    const [x, y, z] = [read(0, pixel), read(1, pixel), read(2, pixel)];
    write(0, pixel, a * x + b * y + c * z);
    write(1, pixel, d * x + e * y + f * z);
    write(2, pixel, g * x + h * y + i * z);
  }
  return result;
}

type Matrix = [number, number, number, number, number, number, number, number, number];

/** Row-major 3×3. */
export function multiply(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: 9 }, (_, at) => {
    const [row, column] = [3 * Math.floor(at / 3), at % 3];
    return a[row]! * b[column]! + a[row + 1]! * b[3 + column]! + a[row + 2]! * b[6 + column]!;
  });
}

/** Row-major 3×3. */
export function invert(m: readonly number[]): number[] {
  const [a, b, c, d, e, f, g, h, i] = m as Matrix;
  const [p, q, r] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const scale = 1 / (a * p + b * q + c * r);
  return [
    p,
    c * h - b * i,
    b * f - c * e,
    q,
    a * i - c * g,
    c * d - a * f,
    r,
    b * g - a * h,
    a * e - b * d,
  ].map((cofactor) => cofactor * scale);
}
