import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";

/** Drops nodes on which no output depends. A derivative rule may write more than is asked for; this pass pays for it. */
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
