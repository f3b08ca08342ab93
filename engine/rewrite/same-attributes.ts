import type { GraphNode } from "../graph/graph.ts";

/** Attributes as text, whatever order they were written in; infinities are kept apart, which JSON does not. */
export function showAttributes({ attributes }: GraphNode): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort()
    .join(";");
}

export function sameAttributes(a: GraphNode, b: GraphNode): boolean {
  return showAttributes(a) === showAttributes(b);
}
