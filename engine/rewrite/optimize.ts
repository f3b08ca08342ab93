import type { Graph } from "../graph/graph.ts";
import { attentionRowSums } from "./attention-row-sums.ts";
import { concatenatePaddedParts } from "./concatenate-padded-parts.ts";
import { foldTrivial } from "./fold-trivial.ts";
import { mergeCommonSubexpressions } from "./merge-common-subexpressions.ts";
import { removeDeadNodes } from "./remove-dead-nodes.ts";
import { applyRules } from "./rewrite-rule.ts";

const rules = [attentionRowSums, concatenatePaddedParts, ...foldTrivial];

/** Graphs in which no pass finds anything, so that asking twice costs nothing. */
const finished = new WeakSet<Graph>();

/**
 * All passes, again and again until none finds anything: the graph that a session compiles. Every rule leaves fewer
 * or cheaper nodes behind, so it ends.
 */
export function optimize(graph: Graph): Graph {
  if (finished.has(graph)) return graph;
  const merged = mergeCommonSubexpressions(removeDeadNodes(graph));
  const { graph: rewritten, applied } = applyRules(merged, rules);
  const smaller = merged.nodes.length < graph.nodes.length;
  if (applied || smaller) return optimize(rewritten);
  finished.add(rewritten);
  return rewritten;
}
