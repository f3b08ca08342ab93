import { describe, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder, type SegmentKind } from "../../../engine/graph/graph-builder.ts";
import { estimateMemory } from "../../../engine/graph/memory-estimate.ts";
import type { Value } from "../../../engine/graph/value.ts";
import { multiHeadAttention } from "../../../engine/networks/attention.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { evaluateGraph } from "../numerics/reference/evaluate-graph.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { countOperators } from "../rewrite/same-meaning.ts";

/**
 * The same operators on the same numbers in float64. Only sums whose order a rewrite changes may differ.
 */
const reorderedTolerance = 1e-12;

const depth = 4;

/** Blocks of attention and a gated layer with residuals, over x [1, 6, 8]; the loss is Σ y². */
function blocks(recompute: readonly SegmentKind[]): Graph {
  const graph = new GraphBuilder("blocks");
  const x = graph.input("x", "float32", [1, 6, 8]);
  let y = x;
  for (let i = 0; i < depth; i++) y = block(graph, y, graph.input(`w${i}`, "float32", [8, 8]));
  const loss = graph.reshape(graph.reduceSum(graph.mul(y, y), [0, 1, 2]), []);
  graph.output("loss", loss);
  graph.output("dx", gradient(graph, loss, [x], recompute)[0]!);
  return graph.build();
}

function block(graph: GraphBuilder, x: Value, w: Value): Value {
  return graph.segment("block", () => {
    const own = graph.matmul(graph.layerNormalization(x, 1e-5), w);
    const mixed = graph.add(x, multiHeadAttention(graph, own, own, own, 2));
    return graph.add(mixed, graph.mul(graph.gelu(mixed), graph.sigmoid(graph.matmul(mixed, w))));
  });
}

describe.each<[string, readonly SegmentKind[]]>([
  ["attention", ["attention"]],
  ["blocks", ["block"]],
  ["blocks, and attention within them", ["attention", "block"]],
])("recomputing %s", (_, kinds) => {
  const held = optimize(blocks([]));
  const twice = optimize(blocks(kinds));
  const feeds = feedsOf(held);

  test("gives the same loss and gradient", async () => {
    const expected = evaluateGraph(held, feeds);
    const reference = evaluateGraph(twice, feeds);
    const actual = await runOnCpu(twice, feeds);
    for (const [name, { data }] of Object.entries(expected)) {
      expect(deviation(reference[name]!.data, data), name).toBeLessThan(reorderedTolerance);
      expect(deviation(actual[name]!, data), `${name} in float32`).toBeLessThan(1e-5);
    }
  });

  test("needs less memory, and one more softmax for each", () => {
    expect(estimateMemory(twice).activations).toBeLessThan(estimateMemory(held).activations);
    const [once, again] = [countOperators(held).Softmax!, countOperators(twice).Softmax!];
    expect(again).toBe(once + depth * kinds.length);
  });

  test("starts only after the cotangent is known", () => {
    const loss = twice.outputs.get("loss")!;
    const end = twice.nodes.findIndex(({ outputs }) => outputs.includes(loss));
    const early = dependants(twice, (node) => node.op === "After");
    // The second half of the softmaxes are the recomputed ones.
    const softmaxes = twice.nodes.filter(({ op }) => op === "Softmax");
    for (const node of softmaxes.slice(depth)) expect(early.has(node.outputs[0]!)).toBe(true);
    for (const node of twice.nodes.slice(0, end)) expect(node.op).not.toBe("After");
  });
});

test("recomputed attention weights still allow row sums over the head's width", () => {
  const sums = optimize(blocks(["attention"])).nodes.filter(({ op }) => op === "ReduceSum");
  const widths = sums.map(({ inputs }) => inputs[0]!.shape.at(-1));
  expect(widths).toEqual([8, 4, 4, 4, 4]); // the loss over the model's width, then heads of 4, not 6 tokens
});

/** Values that depend on a result of a node that `is` so. */
function dependants(graph: Graph, is: (node: Graph["nodes"][number]) => boolean): Set<Value> {
  const found = new Set<Value>();
  for (const node of graph.nodes)
    if (is(node) || node.inputs.some((input) => found.has(input)))
      for (const output of node.outputs) found.add(output);
  return found;
}

test("onnxruntime keeps the delay before a view", async () => {
  const graph = new GraphBuilder("views");
  const x = graph.input("x", "float32", [2, 6]);
  const late = graph.after(x, graph.exp(x));
  graph.output("y", graph.mul(graph.reshape(graph.reshape(late, [3, 4]), [12]), 2));
  const feeds = feedsOf(graph.build());
  const { y } = await runOnCpu(graph.build(), feeds);
  expect(y).toEqual(feeds.x!.map((value) => 2 * value));
});
