/** Element types of values. Weights may be stored in half precision; see {@link WeightSource}. */
export type DType = "float32" | "float16" | "bfloat16" | "int8" | "int64" | "bool";

/** Static dimensions, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** Location of a weight: a slice of a file on disk, never copied into the graph. */
export interface WeightSource {
  /** Absolute path of the file, a `.safetensors` checkpoint as downloaded. */
  readonly file: string;
  /** Offset of the first byte in the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/**
 * Small data stored in the graph: scalars, schedules, indices. A float16 constant is rounded when it is
 * encoded.
 */
export type ConstantData = Float32Array | BigInt64Array;

/** Source of a value: the caller at run time, a checkpoint, a constant, or a node. */
type Origin =
  | { readonly kind: "input" }
  | { readonly kind: "weight"; readonly source: WeightSource }
  | { readonly kind: "constant"; readonly data: ConstantData }
  | { readonly kind: "node" };

/** Element types of arithmetic. */
export type FloatType = Extract<DType, "float32" | "float16">;

/** A tensor of the graph (an edge), written once. Compared by identity. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly origin: Origin;
}

/** Number of elements of a tensor of this shape. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

const elementBytes: { readonly [D in DType]: number } = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  int64: 8,
  bool: 1,
};

export function bytesOf({ shape, dtype }: Pick<Value, "shape" | "dtype">): number {
  return elementCount(shape) * elementBytes[dtype];
}

/** `[2, 4, 8]`, for messages. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}
