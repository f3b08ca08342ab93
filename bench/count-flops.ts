import { elementCount, type Graph } from "../gpu-worker/graph/value.ts";

/** Floating-point operations of a graph's convolutions and matrix products: two for each multiply–add. */
export function countFlops({ nodes }: Graph): number {
  return nodes.reduce((sum, node) => {
    const [x, w] = node.inputs;
    const outputs = elementCount(node.outputs[0]!.shape);
    if (node.op === "Conv") return sum + 2 * outputs * elementCount(w!.shape.slice(1));
    if (node.op === "ConvTranspose")
      return sum + 2 * elementCount(x!.shape) * elementCount(w!.shape.slice(1));
    if (node.op === "MatMul") {
      const { transA } = node.attributes as { transA: boolean };
      return sum + 2 * outputs * x!.shape.at(transA ? -2 : -1)!;
    }
    return sum;
  }, 0);
}
