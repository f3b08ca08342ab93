import type { Graph, GraphNode } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";

/** The readers of a value: nodes, once for each operand, or the caller. */
export type Readers = (value: Value) => readonly (GraphNode | "caller")[];

export function readersOf({ nodes, outputs }: Graph): Readers {
  const readers = new Map<Value, (GraphNode | "caller")[]>();
  const add = (value: Value, reader: GraphNode | "caller") => {
    const known = readers.get(value);
    if (known) known.push(reader);
    else readers.set(value, [reader]);
  };
  for (const node of nodes) for (const input of node.inputs) add(input, node);
  for (const value of outputs.values()) add(value, "caller");
  return (value) => readers.get(value) ?? [];
}

/** Returns the reason why a value cannot be removed: it is read by other nodes than the replaced ones. */
export function readElsewhere(readers: Readers, values: readonly Value[]): string | null {
  const held = values.find((value) => readers(value).length !== 1);
  return held ? `${held.name} is read elsewhere` : null;
}
