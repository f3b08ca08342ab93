import type { Graph, GraphNode } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";
import { showAttributes } from "./same-attributes.ts";

/** Maximum size in bytes of constants that are compared by content; larger ones are rarely repeated. */
const comparedBytes = 1024;

/** Merges nodes with the same operator, attributes and operands. */
export function mergeCommonSubexpressions(graph: Graph): Graph {
  const numbers = new Map<Value, number>();
  const constants = new Map<string, Value>();
  const known = new Map<string, GraphNode>();
  const merged = new Map<Value, Value>();
  const current = (value: Value): Value => merged.get(value) ?? oneConstant(value, constants);
  const number = (value: Value): number => {
    const given = numbers.get(value) ?? numbers.size;
    numbers.set(value, given);
    return given;
  };

  const nodes: GraphNode[] = [];
  for (const original of graph.nodes) {
    const inputs = original.inputs.map(current);
    const key = `${original.op}(${inputs.map(number)})${showAttributes(original)}`;
    const twin = known.get(key);
    if (twin)
      for (const [index, output] of original.outputs.entries()) merged.set(output, twin.outputs[index]!);
    else {
      const node: GraphNode = { ...original, inputs };
      known.set(key, node);
      nodes.push(node);
    }
  }
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, current(value)]));
  return { ...graph, nodes, outputs };
}

function oneConstant(value: Value, constants: Map<string, Value>): Value {
  if (value.origin.kind !== "constant" || value.origin.data.byteLength > comparedBytes) return value;
  const { buffer, byteOffset, byteLength } = value.origin.data;
  const bytes = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
  const key = `${value.dtype}[${value.shape}]${bytes}`;
  const first = constants.get(key) ?? value;
  constants.set(key, first);
  return first;
}
