import { describe, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { estimateMemory } from "../../../engine/graph/memory-estimate.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import type { Shape, Value } from "../../../engine/graph/value.ts";
import { multiHeadAttention } from "../../../engine/networks/attention.ts";
import { fuseAttention, fusedAttention } from "../../../engine/rewrite/fuse-attention.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { countOperators, expectSameMeaning } from "./same-meaning.ts";

/** onnxruntime's fused kernel against its separate ones, of the largest element. Measured: 4e-7. */
const fusedTolerance = 1e-5;

type Write = (graph: GraphBuilder, q: Value, k: Value, v: Value) => void;

function graphOf(write: Write, q: Shape = [2, 3, 8], keys: Shape = [2, 5, 8], values: Shape = keys): Graph {
  const graph = new GraphBuilder("attention");
  write(
    graph,
    graph.input("q", "float32", q),
    graph.input("k", "float32", keys),
    graph.input("v", "float32", values),
  );
  return graph.build();
}

const inHeads =
  (heads: number): Write =>
  (graph, q, k, v) =>
    graph.output("y", multiHeadAttention(graph, q, k, v, heads));

test("attention in heads becomes one node", () => {
  const graph = graphOf(inHeads(2));
  const fused = fuseAttention(optimize(graph));
  expect(printGraph(fused)).toMatchInlineSnapshot(`
    "graph attention(q: float32[2, 3, 8], k: float32[2, 5, 8], v: float32[2, 5, 8]) {
      %0 = MultiHeadAttention(q, k, v, heads=2, scale=0.5) : float32[2, 3, 8]
      return y = %0
    }"
  `);
  expectSameMeaning(fused, graph);
});

test("attention in slices becomes one node over all queries", async () => {
  const graph = graphOf(inHeads(1), [1, 4609, 4], [1, 4609, 4]);
  expect(countOperators(graph)).toMatchObject({ Softmax: 2, Slice: 2 });
  const fused = fuseAttention(optimize(graph));
  expect(countOperators(fused)).toEqual({ MultiHeadAttention: 1 });
  // Without scores: q, k, v and the result, and the kernel's copies of q, k and v.
  expect(estimateMemory(fused).activations).toBe(7 * 4609 * 4 * 4);
  expect(estimateMemory(optimize(graph)).activations).toBeGreaterThan(4609 * 2304 * 4);
  const feeds = feedsOf(graph);
  const [expected, actual] = [await runOnCpu(graph, feeds), await runOnCpu(fused, feeds)];
  expect(deviation(actual.y!, expected.y!)).toBeLessThan(fusedTolerance);
});

test.each([
  ["self-attention of 64² tokens, 8 heads of 40, at a quarter of the side", 256, 256, 8, 40],
  ["cross-attention to 77 tokens, 8 heads of 80", 64, 77, 8, 80],
  ["8 heads of 160", 64, 64, 8, 160],
  ["the bundled model's 4 heads of 24", 256, 256, 4, 24],
  ["one query", 1, 78, 8, 16],
])("%s: fused and separate kernels agree", async (_, length, tokens, heads, width) => {
  const graph = graphOf(inHeads(heads), [2, length, heads * width], [2, tokens, heads * width]);
  const fused = fuseAttention(optimize(graph));
  expect(countOperators(fused)).toEqual({ MultiHeadAttention: 1 });
  const feeds = feedsOf(graph);
  const [expected, actual] = [await runOnCpu(graph, feeds), await runOnCpu(fused, feeds)];
  expect(deviation(actual.y!, expected.y!)).toBeLessThan(fusedTolerance);
});

test("a graph with its derivative keeps the weights that the derivative reads", () => {
  const graph = new GraphBuilder("loss");
  const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, "float32", [1, 3, 8])) as [
    Value,
    Value,
    Value,
  ];
  const y = multiHeadAttention(graph, q, k, v, 2);
  const loss = graph.reshape(graph.reduceSum(graph.mul(y, y), [0, 1, 2]), []);
  graph.output("dq", gradient(graph, loss, [q])[0]!);
  const optimized = optimize(graph.build());
  expect(fuseAttention(optimized)).toBe(optimized);
});

describe("attention is left alone, with the reason, where", () => {
  const split = (graph: GraphBuilder, x: Value, heads: number) =>
    graph.transpose(graph.reshape(x, [x.shape[0]!, x.shape[1]!, heads, x.shape[2]! / heads]), [0, 2, 1, 3]);
  const joined = (graph: GraphBuilder, mixed: Value) => graph.transpose(mixed, [0, 2, 1, 3]);

  test.each<[string, Graph, string]>([
    ["a head is wide", graphOf(inHeads(1), [1, 3, 257], [1, 3, 257]), "a head of 257 is faster as products"],
    [
      "the weights are an output too",
      graphOf((g, q, k, v) => {
        const weights = g.softmax(g.matmul(split(g, q, 2), split(g, k, 2), { transB: true }));
        g.output("weights", weights);
        g.output("y", joined(g, g.matmul(weights, split(g, v, 2))));
      }),
      "Softmax is read elsewhere",
    ],
    [
      "the batch shares its keys",
      graphOf(inSeparateParts, [2, 3, 8], [1, 5, 8]),
      "keys or values are shared by the 2 heads or by the batch",
    ],
    [
      "a slice of the queries is missing",
      graphOf((g, q, k, v) => {
        const [queries, keys, values] = [split(g, q, 2), split(g, k, 2), split(g, v, 2)];
        const scores = g.matmul(g.slice(queries, 2, 0, 2), keys, { transB: true });
        g.output("y", joined(g, g.matmul(g.softmax(scores), values)));
      }),
      "some queries are left out",
    ],
    [
      "the slices are out of order",
      graphOf((g, q, k, v) => {
        const [queries, keys, values] = [split(g, q, 2), split(g, k, 2), split(g, v, 2)];
        const mix = (start: number, end: number) =>
          g.matmul(g.softmax(g.matmul(g.slice(queries, 2, start, end), keys, { transB: true })), values);
        g.output("y", joined(g, g.concat([mix(1, 3), mix(0, 1)], 2)));
      }),
      "the pieces are not consecutive queries on the same keys and values",
    ],
  ])("%s", (_, graph, reason) => {
    const { applied, refusals } = applyRules(graph, [fusedAttention(graph)]);
    expect(applied).toBe(0);
    expect(refusals).toMatchObject([{ rule: "fused attention", reason }]);
  });

  test("CUDA would hold the scores of its heads", () => {
    const graph = graphOf(inHeads(2), [2, 3, 12], [2, 5, 12]);
    const { applied, refusals } = applyRules(graph, [fusedAttention(graph, "cuda")]);
    expect(applied).toBe(0);
    expect(refusals).toMatchObject([{ reason: "CUDA has no fused kernel for a head of 6" }]);
    expect(applyRules(graph, [fusedAttention(graph)]).applied).toBe(1);
  });

  test("it has a mask", () => {
    const graph = graphOf((g, q, k, v) =>
      g.output("y", multiHeadAttention(g, q, k, v, 2, g.constant(new Float32Array(15), [3, 5]))),
    );
    expect(applyRules(graph, [fusedAttention(graph)])).toMatchObject({ applied: 0, refusals: [] });
  });

  function inSeparateParts(g: GraphBuilder, q: Value, k: Value, v: Value): void {
    const scores = g.matmul(split(g, q, 2), split(g, k, 2), { transB: true });
    g.output("y", joined(g, g.matmul(g.softmax(scores), split(g, v, 2))));
  }
});
