import type { Graph } from "./graph.ts";
import { showShape, type Value } from "./value.ts";

/**
 * A graph as text, one node per line, as tests compare it:
 *
 *     graph loss(x: float32[2, 3]) {
 *       %0 = Mul(x, x) : float32[2, 3]
 *       return loss = %0
 *     }
 */
export function printGraph(graph: Graph): string {
  const numbers = new Map<Value, string>();
  const show = (value: Value): string => {
    if (value.origin.kind === "input") return value.name;
    if (value.origin.kind === "weight") return `@${value.name}`;
    if (value.origin.kind === "constant")
      return value.shape.length ? `const${showShape(value.shape)}` : String(value.origin.data[0]);
    return numbers.get(value) ?? `?${value.name}`;
  };
  const type = (value: Value) => `${value.dtype}${showShape(value.shape)}`;

  const lines = [`graph ${graph.name}(${graph.inputs.map((x) => `${x.name}: ${type(x)}`).join(", ")}) {`];
  for (const node of graph.nodes) {
    for (const output of node.outputs) numbers.set(output, `%${numbers.size}`);
    const attributes = Object.entries(node.attributes).map(
      ([key, value]) => `${key}=${JSON.stringify(value)}`,
    );
    const operands = [...node.inputs.map(show), ...attributes].join(", ");
    lines.push(
      `  ${node.outputs.map(show).join(", ")} = ${node.op}(${operands}) : ${node.outputs.map(type).join(", ")}`,
    );
  }
  for (const [name, value] of graph.outputs) lines.push(`  return ${name} = ${show(value)}`);
  return `${lines.join("\n")}\n}`;
}
