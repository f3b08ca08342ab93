import { elementCount, type Shape, showShape } from "../../../../engine/graph/value.ts";

/** A tensor of the float64 reference, row-major. Ids (int64) are whole numbers in it. */
export interface Tensor64 {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function tensor64(shape: Shape, data: ArrayLike<number>): Tensor64 {
  if (data.length !== elementCount(shape))
    throw new Error(`reference: ${data.length} elements do not fill ${showShape(shape)}`);
  return { shape, data: Float64Array.from(data) };
}

/** Creates a tensor from a formula over its index. */
export function generate(shape: Shape, element: (index: readonly number[]) => number): Tensor64 {
  const data = new Float64Array(elementCount(shape));
  const index = shape.map(() => 0);
  for (let position = 0; position < data.length; position++) {
    data[position] = element(index);
    advance(index, shape);
  }
  return { shape, data };
}

/** The element at an index. */
export function at(x: Tensor64, index: readonly number[]): number {
  return x.data[x.shape.reduce((position, size, axis) => position * size + index[axis]!, 0)]!;
}

/**
 * The element at an index of a wider shape that x is broadcast to: trailing axes align, an axis of 1
 * repeats.
 */
export function atBroadcast(x: Tensor64, index: readonly number[]): number {
  const lead = index.length - x.shape.length;
  return at(
    x,
    x.shape.map((size, axis) => (size === 1 ? 0 : index[lead + axis]!)),
  );
}

/** The shape two tensors broadcast to; the graph has already checked that they do. */
export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1),
  );
}

/** Every index of a shape, in row-major order. The array is reused: copy what you keep. */
export function* indices(shape: Shape): Generator<readonly number[]> {
  const index = shape.map(() => 0);
  for (let left = elementCount(shape); left > 0; left--) {
    yield index;
    advance(index, shape);
  }
}

function advance(index: number[], shape: Shape): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis]!++;
    if (index[axis]! < shape[axis]!) return;
    index[axis] = 0;
  }
}
