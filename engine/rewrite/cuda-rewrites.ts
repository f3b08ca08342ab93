import type { Graph } from "../graph/graph.ts";
import { biasSplitGelu } from "./bias-split-gelu.ts";
import { channelsLast } from "./channels-last.ts";
import { fusedAttention } from "./fuse-attention.ts";
import { type OptimizedGraph, optimize } from "./optimize.ts";
import { applyRules, type RewriteRule } from "./rewrite-rule.ts";

/** Rules that are applied together, if the device passes their test. */
export interface DeviceRewrite {
  readonly name: string;
  readonly rules: (graph: Graph) => readonly RewriteRule[];
}

/**
 * The rewrites of onnxruntime's optimizer for Stable Diffusion (onnxruntime/python/tools/transformers/
 * onnx_model_unet.py), except for its fused residual sums (`SkipGroupNorm`, `BiasAdd`).
 */
export const cudaRewrites: readonly DeviceRewrite[] = [
  { name: "fused attention", rules: (graph) => [fusedAttention(graph, "cuda")] },
  { name: "BiasSplitGelu", rules: (graph) => [biasSplitGelu(graph)] },
  { name: "channels last", rules: channelsLast },
];

export function rewriteFor(graph: OptimizedGraph, { rules }: DeviceRewrite): OptimizedGraph {
  const { graph: rewritten, applied } = applyRules(graph, rules(graph));
  return applied ? optimize(rewritten) : graph;
}
