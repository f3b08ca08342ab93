import type { Graph } from "../../../engine/graph/graph.ts";
import type { Inputs } from "../../../engine/graph/operators.ts";
import type { FloatType } from "../../../engine/graph/value.ts";
import { applyRules, isNode, rewriteRule } from "../../../engine/rewrite/rewrite-rule.ts";

const toChannelsFirst = [0, 3, 1, 2];
const toChannelsLast = [0, 2, 3, 1];

const rules = [
  rewriteRule({
    name: "NhwcConv in ONNX's operators",
    pattern: (node) => (isNode(node, "NhwcConv") ? node : null),
    check: () => null,
    rewrite: ({ inputs, attributes: { kernel, ...attributes } }, graph) => {
      const [x, w, b] = inputs as Inputs<"NhwcConv">;
      const [image, weight] = [graph.transpose(x, toChannelsFirst), graph.transpose(w, toChannelsFirst)];
      return graph.transpose(graph.conv(image, weight, b, attributes), toChannelsLast);
    },
  }),
  rewriteRule({
    name: "GroupNorm in ONNX's operators",
    pattern: (node) => (isNode(node, "GroupNorm") ? node : null),
    check: () => null,
    rewrite: ({ inputs, attributes: { groups, epsilon, silu } }, graph) => {
      const [x, scale, shift] = inputs as Inputs<"GroupNorm">;
      const [n, h, w, c] = x.shape as readonly [number, number, number, number];
      const grouped = graph.transpose(
        graph.reshape(graph.cast(x, "float32"), [n, h * w, groups, c / groups]),
        [0, 2, 1, 3],
      );
      const flat = graph.layerNormalization(
        graph.reshape(grouped, [n, groups, (h * w * c) / groups]),
        epsilon,
      );
      const normalized = graph.transpose(graph.reshape(flat, [n, groups, h * w, c / groups]), [0, 2, 1, 3]);
      const y = graph.add(graph.mul(graph.reshape(normalized, x.shape), scale), shift);
      return graph.cast(silu ? graph.mul(y, graph.sigmoid(y)) : y, x.dtype as FloatType);
    },
  }),
  rewriteRule({
    name: "BiasSplitGelu in ONNX's operators",
    pattern: (node) => (isNode(node, "BiasSplitGelu") ? node : null),
    check: () => null,
    rewrite: ({ inputs }, graph) => {
      const [x, bias] = inputs as Inputs<"BiasSplitGelu">;
      const both = graph.cast(graph.add(x, bias), "float32");
      const half = x.shape[2]! / 2;
      const gate = graph.gelu(graph.slice(both, 2, half, 2 * half));
      return graph.cast(graph.mul(graph.slice(both, 2, 0, half), gate), x.dtype as FloatType);
    },
  }),
];

/**
 * The graph with the CUDA provider's operators in ONNX's, which a CPU runs, as their schemas and kernels define
 * them: group statistics and activations are float32 for any type
 * (onnxruntime/core/graph/contrib_ops/diffusion_defs.cc, onnxruntime/contrib_ops/cuda/diffusion/).
 */
export function decomposeCuda(graph: Graph): Graph {
  return applyRules(graph, rules).graph;
}
