import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";

/**
 * Removes nodes that no output depends on. Derivative rules may write more than needed and rely on this pass.
 */
export function removeDeadNodes(graph: Graph): Graph {
  const live = new Set<Value>(graph.outputs.values());
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      const kept = node.outputs.some((output) => live.has(output));
      if (kept) for (const input of node.inputs) live.add(input);
      return kept;
    })
    .toReversed();
  return { ...graph, nodes };
}
