import type { Graph, GraphNode } from "./graph.ts";
import type { OpType } from "./operators.ts";
import { bytesOf, elementCount } from "./value.ts";

/** Work of a graph, in the three categories that differ in speed between machines. */
export interface GraphWork {
  /** Floating-point operations of convolutions, two per multiply–add. */
  readonly convolution: number;
  /** Floating-point operations of matrix products. */
  readonly product: number;
  /** Bytes that all other nodes read and write. */
  readonly traffic: number;
}

/** Operators that return a view of their input; onnxruntime copies nothing. */
export const views: ReadonlySet<OpType> = new Set<OpType>(["Reshape", "After"]);

const convolutions: ReadonlySet<OpType> = new Set<OpType>([
  "Conv",
  "ConvTranspose",
  "NhwcConv",
  "DynamicQuantizeConv",
]);
const products: ReadonlySet<OpType> = new Set<OpType>([
  "MatMul",
  "MultiHeadAttention",
  "DynamicQuantizeMatMul",
]);

export function workOf({ nodes }: Graph): GraphWork {
  let [convolution, product, traffic] = [0, 0, 0];
  for (const node of nodes) {
    if (convolutions.has(node.op)) convolution += flopsOf(node);
    else if (products.has(node.op)) product += flopsOf(node);
    else if (!views.has(node.op))
      traffic += [...node.inputs, ...node.outputs].reduce((sum, value) => sum + bytesOf(value), 0);
  }
  return { convolution, product, traffic };
}

function flopsOf({ op, inputs, outputs, attributes }: GraphNode): number {
  const [x, w] = inputs;
  const made = elementCount(outputs[0]!.shape);
  if (op === "Conv" || op === "NhwcConv") return 2 * made * elementCount(w!.shape.slice(1));
  if (op === "ConvTranspose") return 2 * elementCount(x!.shape) * elementCount(w!.shape.slice(1));
  if (op === "DynamicQuantizeMatMul" || op === "DynamicQuantizeConv") return 2 * made * w!.shape[0]!;
  // Each of the B·L·S scores of a head takes d multiply–adds, and e more to weigh the values.
  if (op === "MultiHeadAttention")
    return 2 * x!.shape[0]! * x!.shape[1]! * w!.shape[1]! * (w!.shape[2]! + inputs[2]!.shape[2]!);
  const { transA } = attributes as { transA: boolean };
  return 2 * made * x!.shape.at(transA ? -2 : -1)!;
}
