import type { Graph, GraphNode } from "../graph/graph.ts";
import { sameShape, type Value } from "../graph/value.ts";
import { type OptimizedGraph, optimize } from "./optimize.ts";
import { applyRules, isNode, type RewriteRule, rewriteRule } from "./rewrite-rule.ts";

/** Returns true if the layer with a weight of this name stays in floating point. */
export type IsSensitive = (weight: string) => boolean;

/**
 * Products and convolutions of an image with constant weights → products in 8-bit integers. Weights have one
 * scale per column; activations one per tensor, computed in each run. Normalizations, attention's own
 * products and everything that does not depend on an image (the time embedding, keys and values of the text)
 * stay in floating point.
 */
export function quantizeProducts(graph: OptimizedGraph, isSensitive: IsSensitive): OptimizedGraph {
  const { graph: rewritten, applied } = applyRules(graph, quantizationRules(graph, isSensitive));
  return applied ? optimize(rewritten) : graph;
}

/** The rules behind {@link quantizeProducts}, for one graph. */
export function quantizationRules(graph: Graph, isSensitive: IsSensitive): readonly RewriteRule[] {
  const isConstant = dependents(
    graph,
    "every",
    ({ origin: { kind } }) => kind === "weight" || kind === "constant",
  );
  const isOfImage = dependents(
    graph,
    "some",
    ({ origin: { kind }, shape }) => kind === "input" && shape.length === 4,
  );
  const casts = new Map(
    graph.nodes.filter(({ op }) => op === "Cast").map((node) => [node.outputs[0], node.inputs[0]]),
  );
  const whyNot = ({ inputs: [, w], outputs: [y] }: GraphNode) => {
    const weight = casts.get(w) ?? w!;
    if (w!.dtype !== "float32") return `${weight.name} is used in ${w!.dtype}`;
    if (!isOfImage(y!)) return `${y!.name} does not depend on an image`;
    return isSensitive(weight.name) ? `${weight.name} is sensitive` : null;
  };
  return [quantizedMatMul(isConstant, whyNot), quantizedBias(isConstant), quantizedConv(isConstant, whyNot)];
}

type Values = (value: Value) => boolean;
type WhyNot = (node: GraphNode) => string | null;

const quantizedMatMul = (isConstant: Values, whyNot: WhyNot) =>
  rewriteRule<GraphNode<"MatMul">>({
    name: "product in 8 bits",
    pattern: (node) => (isNode(node, "MatMul") && isConstant(node.inputs[1]!) ? node : null),
    check: (node) => {
      const { transA, alpha } = node.attributes;
      const w = node.inputs[1]!;
      return w.shape.length !== 2 || transA || alpha !== 1
        ? `${w.name} is not a layer's matrix`
        : whyNot(node);
    },
    rewrite: ({ inputs: [x, w], attributes: { transB } }, graph) =>
      graph.dynamicQuantizeMatMul(x!, ...graph.quantizeWeight(transB ? graph.transpose(w!, [1, 0]) : w!)),
  });

/** A quantized product + b → one node. */
const quantizedBias = (isConstant: Values) =>
  rewriteRule<{ readonly product: GraphNode<"DynamicQuantizeMatMul">; readonly bias: Value }>({
    name: "bias of a product in 8 bits",
    pattern: (node, scene) => {
      if (!isNode(node, "Add")) return null;
      const [a, bias] = node.inputs as readonly [Value, Value];
      const product = scene.producer(a);
      const isBare = isNode(product, "DynamicQuantizeMatMul") && product.inputs.length === 3;
      return isBare && isConstant(bias) ? { product, bias } : null;
    },
    check: ({ product: { inputs }, bias }) =>
      sameShape(bias.shape, inputs[2]!.shape) ? null : `${bias.name} does not have one element per column`,
    rewrite: ({ product: { inputs }, bias }, graph) => {
      const [x, integers, scales] = inputs as readonly [Value, Value, Value];
      return graph.dynamicQuantizeMatMul(x, integers, scales, bias);
    },
  });

const quantizedConv = (isConstant: Values, whyNot: WhyNot) =>
  rewriteRule<GraphNode<"Conv">>({
    name: "convolution in 8 bits",
    pattern: (node) => (isNode(node, "Conv") && node.inputs.slice(1).every(isConstant) ? node : null),
    check: whyNot,
    rewrite: ({ inputs: [x, w, bias], attributes }, graph) => {
      const [, , height, width] = w!.shape as readonly [number, number, number, number];
      const quantized = graph.quantizeWeight(graph.transpose(w!, [2, 3, 1, 0]));
      const inputs = [x!, ...quantized] as const;
      return graph.dynamicQuantizeConv(bias ? [...inputs, bias] : inputs, {
        ...attributes,
        kernel: [height, width],
      });
    },
  });

/** The values that are sources, or computed from some of them or from nothing else. */
function dependents({ nodes }: Graph, quantity: "some" | "every", isSource: Values): Values {
  const found = new Set<Value>();
  const depends = (value: Value) => found.has(value) || isSource(value);
  for (const { inputs, outputs } of nodes)
    if (inputs[quantity](depends)) for (const output of outputs) found.add(output);
  return depends;
}
