import type { Graph } from "../graph/graph.ts";
import { attentionRowSums } from "./attention-row-sums.ts";
import { concatenatePaddedParts } from "./concatenate-padded-parts.ts";
import { foldTrivial } from "./fold-trivial.ts";
import { mergeCommonSubexpressions } from "./merge-common-subexpressions.ts";
import { removeDeadNodes } from "./remove-dead-nodes.ts";
import { applyRules } from "./rewrite-rule.ts";

const rules = [attentionRowSums, concatenatePaddedParts, ...foldTrivial];

declare const optimized: unique symbol;

/** A graph that no pass changes. Only {@link optimize} creates one. */
export type OptimizedGraph = Graph & { readonly [optimized]: true };

/**
 * Repeats all passes until none changes the graph. The result is the graph that a session compiles. It
 * terminates, because every rule leaves fewer or cheaper nodes.
 */
export function optimize(graph: Graph): OptimizedGraph {
  const merged = mergeCommonSubexpressions(removeDeadNodes(graph));
  const { graph: rewritten, applied } = applyRules(merged, rules);
  const smaller = merged.nodes.length < graph.nodes.length;
  return applied || smaller ? optimize(rewritten) : (rewritten as OptimizedGraph);
}
