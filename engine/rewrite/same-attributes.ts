import type { GraphNode } from "../graph/graph.ts";

/** Attributes as text, independent of their order. Preserves infinities, which JSON does not. */
export function showAttributes({ attributes }: GraphNode): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort()
    .join(";");
}

export function sameAttributes(a: GraphNode, b: GraphNode): boolean {
  return showAttributes(a) === showAttributes(b);
}
