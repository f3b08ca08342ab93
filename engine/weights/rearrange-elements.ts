/** An order of elements: (i, j, …) is the source's element offset + i·strides[0] + j·strides[1] + … */
export interface ElementOrder {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Raw bits of float32 or of 16-bit floats. */
export type RawElements = Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Rows are copied in tiles whose sources are adjacent, so that each is fetched from memory once. */
const tile = 32;

/** Returns the source's elements in that order, row-major. */
export function rearrangeElements(source: RawElements, order: ElementOrder): RawElements {
  const count = order.shape.reduce((product, size) => product * size, 1);
  const target = source instanceof Uint32Array ? new Uint32Array(count) : new Uint16Array(count);
  const axes = mergeAxes(order);
  while (axes.length < 3) axes.unshift({ size: 1, stride: 0 });
  const [rows, columns, run] = axes.splice(-3) as [Axis, Axis, Axis];
  const block = rows.size * columns.size * run.size;
  for (let start = 0, outer = 0; start < count; start += block, outer++)
    gather(source, order.offset + position(outer, axes), target, start, rows, columns, run);
  return target;
}

interface Axis {
  readonly size: number;
  readonly stride: number;
}

/** Merges axes that can be traversed as one, such as a kernel's rows and columns, both reversed. */
function mergeAxes({ shape, strides }: ElementOrder): Axis[] {
  const merged: Axis[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const stride = strides[axis]!;
    const last = merged.at(-1);
    if (last && last.stride === size * stride) merged[merged.length - 1] = { size: last.size * size, stride };
    else merged.push({ size, stride });
  }
  return merged;
}

/** Source offset of the `index`-th combination of these axes. */
function position(index: number, axes: readonly Axis[]): number {
  let [left, at] = [index, 0];
  for (const { size, stride } of axes.toReversed()) {
    at += (left % size) * stride;
    left = Math.floor(left / size);
  }
  return at;
}

function gather(
  source: RawElements,
  from: number,
  target: RawElements,
  start: number,
  { size: rows, stride: rowStride }: Axis,
  { size: columns, stride: columnStride }: Axis,
  { size: run, stride }: Axis,
): void {
  for (let first = 0; first < rows; first += tile) {
    const end = Math.min(rows, first + tile);
    for (let j = 0; j < columns; j++)
      for (let i = first; i < end; i++) {
        let at = from + i * rowStride + j * columnStride;
        const to = start + (i * columns + j) * run;
        for (let k = 0; k < run; k++, at += stride) target[to + k] = source[at]!;
      }
  }
}
