import type { Graph } from "./graph.ts";
import type { WeightSource } from "./value.ts";

/** The weights that a graph reads, by name. */
export function weightsOf({ nodes, outputs }: Graph): ReadonlyMap<string, WeightSource> {
  const read = [...nodes.flatMap(({ inputs }) => inputs), ...outputs.values()];
  return new Map(
    read.flatMap(({ name, origin }) => (origin.kind === "weight" ? [[name, origin.source] as const] : [])),
  );
}

/** Bytes of those weights on disk. */
export function weightBytes(graph: Graph): number {
  return [...weightsOf(graph).values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
