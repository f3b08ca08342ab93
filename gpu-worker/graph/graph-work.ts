import type { OpType } from "./operators.ts";
import { elementCount, type Graph, type GraphNode, type Value } from "./value.ts";

/** What a graph asks of a machine, by the three kinds that machines are quick or slow at. */
export interface GraphWork {
  /** Floating-point operations of convolutions, two for each multiply–add. */
  readonly convolution: number;
  /** The same of matrix products. */
  readonly product: number;
  /** Bytes that all other nodes read and write. */
  readonly traffic: number;
}

/** Only a view of their input: onnxruntime moves nothing. */
const free: ReadonlySet<OpType> = new Set(["Reshape"]);

export function workOf({ nodes }: Graph): GraphWork {
  let [convolution, product, traffic] = [0, 0, 0];
  for (const node of nodes) {
    if (node.op === "Conv" || node.op === "ConvTranspose") convolution += flopsOf(node);
    else if (node.op === "MatMul") product += flopsOf(node);
    else if (!free.has(node.op))
      traffic += [...node.inputs, ...node.outputs].reduce((sum, value) => sum + bytesOf(value), 0);
  }
  return { convolution, product, traffic };
}

function flopsOf({ op, inputs, outputs, attributes }: GraphNode): number {
  const [x, w] = inputs;
  const made = elementCount(outputs[0]!.shape);
  if (op === "Conv") return 2 * made * elementCount(w!.shape.slice(1));
  if (op === "ConvTranspose") return 2 * elementCount(x!.shape) * elementCount(w!.shape.slice(1));
  const { transA } = attributes as { transA: boolean };
  return 2 * made * x!.shape.at(transA ? -2 : -1)!;
}

/**
 * The most bytes of intermediate values alive at once, when nodes run in order and a value goes after its last use: what any
 * runtime needs at least, beside weights and its own workspace.
 */
export function peakActivationBytes({ nodes, outputs }: Graph): number {
  // A view keeps alive what it looks at.
  const storage = new Map<Value, Value>();
  const stored = (value: Value): Value => storage.get(value) ?? value;
  for (const { op, inputs, outputs: made } of nodes)
    if (free.has(op)) storage.set(made[0]!, stored(inputs[0]!));

  const lastUse = new Map<Value, number>();
  for (const [index, { inputs, outputs: made }] of nodes.entries())
    for (const value of [...inputs, ...made])
      if (value.origin.kind === "node") lastUse.set(stored(value), index);
  for (const value of outputs.values()) lastUse.set(stored(value), nodes.length);

  const ending = new Map<number, Value[]>();
  for (const [value, index] of lastUse) ending.set(index, [...(ending.get(index) ?? []), value]);
  let [alive, peak] = [0, 0];
  for (const [index, { outputs: made }] of nodes.entries()) {
    for (const value of made) if (stored(value) === value) alive += bytesOf(value);
    peak = Math.max(peak, alive);
    for (const value of ending.get(index) ?? []) if (value.origin.kind === "node") alive -= bytesOf(value);
  }
  return peak;
}

const bytesPerElement = { float32: 4, float16: 2, bfloat16: 2, int64: 8, bool: 1 } as const;

function bytesOf({ dtype, shape }: Value): number {
  return bytesPerElement[dtype] * elementCount(shape);
}
