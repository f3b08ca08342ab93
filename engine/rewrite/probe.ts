import { foldedValues } from "../graph/folded-values.ts";
import type { Graph, GraphNode } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { FloatType, Value } from "../graph/value.ts";
import { type OptimizedGraph, optimize } from "./optimize.ts";
import { placesOf, type RewriteRule } from "./rewrite-rule.ts";
import { showAttributes } from "./same-attributes.ts";

/** A graph that computes the nodes that some rules replace, in their original and their rewritten form. */
export interface Probe {
  /** Random inputs; outputs `plain_0`, `rewritten_0`, `plain_1` …, all float32. */
  readonly graph: OptimizedGraph;
  /** Equal for probes of the same nodes on values of the same shapes and types. */
  readonly signature: string;
}

/**
 * Extracts every subgraph to which the rules apply, with its constant weights. Subgraphs that differ only in
 * the elements of their weights are included once. Undefined if no rule applies.
 */
export function probeOf(graph: Graph, rules: readonly RewriteRule[]): Probe | undefined {
  const folded = foldedValues(graph);
  const producers = producersOf(graph.nodes);
  const builder = GraphBuilder.rewriting({ ...graph, inputs: [], outputs: new Map() });
  const signatures = new Set<string>();
  for (const { node, write } of placesOf(graph, rules)) {
    const written = new GraphBuilder(graph.name);
    const rewritten = write(written);
    const made = producersOf(written.nodes);
    // The values that the new nodes read are inputs, unless they are constant.
    const given = new Set(
      [rewritten, ...written.nodes.flatMap(({ inputs }) => inputs)].filter(
        (value) => !made.has(value) && !folded.has(value),
      ),
    );
    const producer = (value: Value) =>
      given.has(value) ? undefined : (made.get(value) ?? producers.get(value));
    const plain = node.outputs[0]!;
    const needed = nodesFor([plain, rewritten], producer);
    const signature = needed.map(describe).join(";");
    if (signatures.has(signature)) continue;
    const copies = copyInto(builder, needed);
    const count = signatures.size;
    builder.output(`plain_${count}`, builder.cast(copies(plain), "float32"));
    builder.output(`rewritten_${count}`, builder.cast(copies(rewritten), "float32"));
    signatures.add(signature);
  }
  if (signatures.size === 0) return undefined;
  return { graph: optimize(builder.build()), signature: [...signatures].join("\n") };
}

function producersOf(nodes: readonly GraphNode[]): ReadonlyMap<Value, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
}

/** The nodes that compute some values, each after those that it reads. */
function nodesFor(
  values: readonly Value[],
  producer: (value: Value) => GraphNode | undefined,
): readonly GraphNode[] {
  const needed = new Set<GraphNode>();
  const visited = new Set<GraphNode>();
  const visit = (value: Value) => {
    const node = producer(value);
    if (!node || visited.has(node)) return;
    visited.add(node);
    for (const input of node.inputs) visit(input);
    needed.add(node);
  };
  for (const value of values) visit(value);
  return [...needed];
}

function describe(node: GraphNode): string {
  const operands = node.inputs.map(({ dtype, shape, origin: { kind } }) => `${dtype}[${shape}]${kind}`);
  return `${node.op}(${operands})${showAttributes(node)}`;
}

/** Appends the nodes, with a float32 input for each value that none of them computes. */
function copyInto(builder: GraphBuilder, nodes: readonly GraphNode[]): (value: Value) => Value {
  const copies = new Map<Value, Value>();
  const copy = (value: Value): Value => {
    const known = copies.get(value);
    if (known || value.origin.kind === "weight" || value.origin.kind === "constant") return known ?? value;
    const input = builder.input(`given_${builder.inputs.length}`, "float32", value.shape);
    const given = builder.cast(input, value.dtype as FloatType);
    copies.set(value, given);
    return given;
  };
  for (const { op, inputs, attributes, outputs } of nodes) {
    const made = builder.node(op, inputs.map(copy) as never, attributes as never);
    for (const [index, output] of outputs.entries()) copies.set(output, made[index]!);
  }
  return copy;
}
