import type { Graph, GraphNode } from "../graph/graph.ts";
import type { DType, Value, WeightSource } from "../graph/value.ts";
import { removeDeadNodes } from "./remove-dead-nodes.ts";
import { isNode } from "./rewrite-rule.ts";

/**
 * A value with one weight's elements in another order: element (i, j, …) is the source's element offset +
 * i·strides[0] + j·strides[1] + …, in `dtype`: unchanged, widened, or rounded to float16. Or one output of
 * `QuantizeWeight` for these elements.
 */
export interface RearrangedWeight {
  readonly source: WeightSource;
  readonly sourceDtype: DType;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In elements of the source; negative for a reversed axis. */
  readonly strides: readonly number[];
  readonly offset: number;
  /** An output of `QuantizeWeight`: int8 [K, N], or float32 [N]. Absent: the elements themselves. */
  readonly part?: "integers" | "scales";
}

/**
 * Values that a graph computes from its weights only by moving elements (the rotated kernels of a
 * convolution's derivative), and weights quantized to 8 bits. Casts are included: widening is exact, and
 * rounding to float16 is deterministic. A weight that is only cast is left to the runtime, because reading it
 * widened takes twice the bytes.
 */
export function rearrangedWeights(graph: Graph): ReadonlyMap<Value, RearrangedWeight> {
  const views = new Map<Value, RearrangedWeight>();
  const moved = new Set<Value>();
  const ends = new Set<Value>();
  const viewOf = (value: Value) => views.get(value) ?? wholeWeight(value);
  for (const node of graph.nodes) {
    const parts = quantizedParts(node, viewOf);
    for (const [value, part] of parts) {
      views.set(value, part);
      ends.add(value);
    }
    if (parts.length) continue;
    const view = rearrange(node, viewOf);
    if (!view) {
      for (const input of node.inputs) if (moved.has(input)) ends.add(input);
      continue;
    }
    const y = node.outputs[0]!;
    views.set(y, view);
    if (node.op !== "Cast" || moved.has(node.inputs[0]!)) moved.add(y);
  }
  for (const output of graph.outputs.values()) if (moved.has(output)) ends.add(output);
  return new Map([...ends].map((value) => [value, views.get(value)!]));
}

/** The graph with those values read from files, and without the nodes that computed them. */
export function withStoredValues(graph: Graph, stored: ReadonlyMap<Value, WeightSource>): Graph {
  const read = new Map(
    [...stored].map(([value, source]) => [value, { ...value, origin: { kind: "weight", source } } as Value]),
  );
  const current = (value: Value): Value => read.get(value) ?? value;
  const nodes = graph.nodes
    .filter(({ outputs }) => !read.has(outputs[0]!))
    .map((node): GraphNode => ({ ...node, inputs: node.inputs.map(current) }));
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, current(value)]));
  return removeDeadNodes({ ...graph, nodes, outputs });
}

function wholeWeight({ origin, dtype, shape }: Value): RearrangedWeight | undefined {
  if (origin.kind !== "weight") return undefined;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  return { source: origin.source, sourceDtype: dtype, dtype, shape, strides, offset: 0 };
}

function quantizedParts(
  node: GraphNode,
  viewOf: (value: Value) => RearrangedWeight | undefined,
): (readonly [Value, RearrangedWeight])[] {
  const view = isNode(node, "QuantizeWeight") ? viewOf(node.inputs[0]!) : undefined;
  if (!view || isRounded(view)) return [];
  return node.outputs.map((value, index) => [value, { ...view, part: index === 0 ? "integers" : "scales" }]);
}

function rearrange(
  node: GraphNode,
  viewOf: (value: Value) => RearrangedWeight | undefined,
): RearrangedWeight | undefined {
  const x = node.inputs[0] && viewOf(node.inputs[0]);
  if (!x) return undefined;
  const { shape } = node.outputs[0]!;
  if (isNode(node, "Cast")) {
    return isRounded(x) ? undefined : { ...x, dtype: node.attributes.to };
  }
  if (isNode(node, "Transpose"))
    return { ...x, shape, strides: node.attributes.permutation.map((axis) => x.strides[axis]!) };
  if (isNode(node, "Slice")) {
    const { axis, start, reverse } = node.attributes;
    const stride = x.strides[axis]!;
    const first = reverse ? x.shape[axis]! - 1 : start;
    return {
      ...x,
      shape,
      strides: x.strides.with(axis, reverse ? -stride : stride),
      offset: x.offset + first * stride,
    };
  }
  return undefined;
}

/** Rounded elements differ from the source's. */
function isRounded({ dtype, sourceDtype }: RearrangedWeight): boolean {
  return dtype === "float16" && sourceDtype !== "float16";
}
