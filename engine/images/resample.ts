/**
 * Separable Lanczos-3 resampling of float planes. Implemented here, so that a model's input is the same on
 * every machine, and so that differences of images, which exceed [−1, 1], can be resized.
 */

/** [planes, height, width] → [planes, toHeight, toWidth]. Downscaling widens the kernel to avoid aliasing. */
export function resamplePlanes(
  planes: Float32Array,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Float32Array {
  const count = planes.length / (from.width * from.height);
  const wide =
    from.width === to.width ? planes : resampleRows(planes, count * from.height, from.width, to.width);
  return from.height === to.height ? wide : resampleColumns(wide, count, from.height, to.height, to.width);
}

interface Taps {
  /** First source index of each output. */
  readonly start: Int32Array;
  /** [outputs, size], each row normalized to sum 1, which also removes taps beyond the edge. */
  readonly weights: Float32Array;
  readonly size: number;
}

/** sinc(x)·sinc(x/3) on |x| < 3. */
function lanczos3(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  const a = Math.PI * x;
  return (3 * Math.sin(a) * Math.sin(a / 3)) / (a * a);
}

function lanczosTaps(from: number, to: number): Taps {
  const scale = Math.max(1, from / to);
  const size = Math.min(from, Math.ceil(6 * scale) + 1);
  const start = new Int32Array(to);
  const weights = new Float32Array(to * size);
  for (let output = 0; output < to; output++) {
    const center = ((output + 0.5) * from) / to - 0.5;
    const first = Math.min(from - size, Math.max(0, Math.ceil(center - 3 * scale)));
    start[output] = first;
    let sum = 0;
    for (let tap = 0; tap < size; tap++) sum += lanczos3((first + tap - center) / scale);
    for (let tap = 0; tap < size; tap++)
      weights[output * size + tap] = lanczos3((first + tap - center) / scale) / sum;
  }
  return { start, weights, size };
}

function resampleRows(source: Float32Array, rows: number, from: number, to: number): Float32Array {
  const { start, weights, size } = lanczosTaps(from, to);
  const result = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++)
    for (let x = 0; x < to; x++) {
      const base = row * from + start[x]!;
      let sum = 0;
      for (let tap = 0; tap < size; tap++) sum += weights[x * size + tap]! * source[base + tap]!;
      result[row * to + x] = sum;
    }
  return result;
}

function resampleColumns(
  source: Float32Array,
  planes: number,
  from: number,
  to: number,
  width: number,
): Float32Array {
  const { start, weights, size } = lanczosTaps(from, to);
  const result = new Float32Array(planes * to * width);
  for (let plane = 0; plane < planes; plane++)
    for (let y = 0; y < to; y++) {
      const target = (plane * to + y) * width;
      for (let tap = 0; tap < size; tap++) {
        const weight = weights[y * size + tap]!;
        const base = (plane * from + start[y]! + tap) * width;
        if (weight !== 0) for (let x = 0; x < width; x++) result[target + x]! += weight * source[base + x]!;
      }
    }
  return result;
}
