import { describe, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { Attributes } from "../../../engine/graph/operators.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import type { Shape } from "../../../engine/graph/value.ts";
import { attentionRowSums } from "../../../engine/rewrite/attention-row-sums.ts";
import { removeDeadNodes } from "../../../engine/rewrite/remove-dead-nodes.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { attention } from "../numerics/composed-functions.ts";
import { lossAndGradients } from "../numerics/expect-gradient.ts";
import { expectSameMeaning } from "./same-meaning.ts";

const shapes = { q: [2, 3, 4], k: [2, 5, 4], v: [2, 5, 4] };

test("row sums of an attention's derivative run over the head's width", () => {
  const graph = removeDeadNodes(lossAndGradients(shapes, (g, { q, k, v }) => attention(g, q, k, v)));
  const { graph: rewritten, applied, refusals } = applyRules(graph, [attentionRowSums]);
  expect({ applied, refusals }).toEqual({ applied: 1, refusals: [] });
  expectSameMeaning(rewritten, graph);
});

test("the rewritten derivative prints as", () => {
  const graph = new GraphBuilder("attention");
  const q = graph.input("q", "float32", [3, 4]);
  const k = graph.input("k", "float32", [5, 4]);
  const v = graph.input("v", "float32", [5, 4]);
  const o = attention(graph, q, k, v);
  const [dq] = gradient(graph, graph.reshape(graph.reduceSum(graph.mul(o, o), [0, 1]), []), [q]);
  graph.output("dq", dq!);
  const { graph: rewritten } = applyRules(graph.build(), [attentionRowSums]);
  expect(printGraph(removeDeadNodes(rewritten))).toMatchInlineSnapshot(`
    "graph attention(q: float32[3, 4], k: float32[5, 4], v: float32[5, 4]) {
      %0 = MatMul(q, k, transA=false, transB=true, alpha=0.5) : float32[3, 5]
      %1 = Softmax(%0) : float32[3, 5]
      %2 = MatMul(%1, v, transA=false, transB=false, alpha=1) : float32[3, 4]
      %3 = Reshape(1, shape=[1,1]) : float32[1, 1]
      %4 = Expand(%3, shape=[3,4]) : float32[3, 4]
      %5 = Mul(%4, %2) : float32[3, 4]
      %6 = Mul(%4, %2) : float32[3, 4]
      %7 = Add(%5, %6) : float32[3, 4]
      %8 = MatMul(%7, v, transA=false, transB=true, alpha=1) : float32[3, 5]
      %9 = Mul(%7, %2) : float32[3, 4]
      %10 = ReduceSum(%9, axes=[1]) : float32[3, 1]
      %11 = Sub(%8, %10) : float32[3, 5]
      %12 = Mul(%1, %11) : float32[3, 5]
      %13 = MatMul(%12, k, transA=false, transB=false, alpha=0.5) : float32[3, 4]
      return dq = %13
    }"
  `);
});

test("a scaled product keeps its scale", () => {
  const graph = removeDeadNodes(
    lossAndGradients(shapes, (g, { q, k, v }) =>
      g.matmul(g.softmax(g.matmul(q, k, { transB: true })), v, { alpha: 0.25 }),
    ),
  );
  const { graph: rewritten, applied } = applyRules(graph, [attentionRowSums]);
  expect(applied).toBe(1);
  expectSameMeaning(rewritten, graph);
});

test("transposed values are recognized too", () => {
  const graph = removeDeadNodes(
    lossAndGradients({ ...shapes, v: [2, 4, 5] }, (g, { q, k, v }) =>
      g.matmul(g.softmax(g.matmul(q, k, { transB: true })), v, { transB: true }),
    ),
  );
  const { graph: rewritten, applied } = applyRules(graph, [attentionRowSums]);
  expect(applied).toBe(1);
  expectSameMeaning(rewritten, graph);
});

describe("row sums of a handmade graph", () => {
  function rowSums(options: {
    readonly mixed?: Partial<Attributes<"MatMul">> | "left out";
    readonly cotangent?: Partial<Attributes<"MatMul">>;
    readonly v?: Shape;
    readonly dO?: Shape;
  }) {
    const graph = new GraphBuilder("rows");
    const p = graph.softmax(graph.input("logits", "float32", [4, 4]));
    const v = graph.input("v", "float32", options.v ?? [4, 4]);
    const dO = graph.input("dO", "float32", options.dO ?? [4, 4]);
    if (options.mixed !== "left out") graph.output("o", graph.matmul(p, v, options.mixed ?? {}));
    const dP = graph.matmul(dO, v, options.cotangent ?? { transB: true });
    const sums = graph.reduceSum(graph.mul(dP, p), [dP.shape.length - 1]);
    graph.output("sums", sums);
    return graph.build();
  }

  test.each([
    ["plain", {}],
    ["scaled differently", { mixed: { alpha: 0.5 }, cotangent: { transB: true, alpha: 3 } }],
  ] as const)("%s are rewritten", (_, options) => {
    const { graph, applied, refusals } = applyRules(rowSums(options), [attentionRowSums]);
    expect({ applied, refusals }).toEqual({ applied: 1, refusals: [] });
    expectSameMeaning(graph, rowSums(options));
  });

  test.each([
    ["the product was never made", { mixed: "left out" }, "no node multiplies Softmax by v"],
    ["an operand lies transposed", { mixed: { transA: true } }, "an outer operand is transposed"],
    ["both read V the same way", { cotangent: {} }, "v is read the same way in MatMul and in MatMul_1"],
    [
      "the cotangent is wider than the weights",
      { v: [2, 4, 4], dO: [2, 4, 4] },
      "MatMul_1 [2, 4, 4] is wider than Softmax [4, 4]",
    ],
    [
      "the cotangent is not the product's",
      { dO: [4, 4], v: [1, 4, 4], mixed: {} },
      "MatMul_1 [1, 4, 4] is wider than Softmax [4, 4]",
    ],
  ] as const)("are not rewritten, with the reason, if %s", (_, options, reason) => {
    const { applied, refusals } = applyRules(rowSums(options), [attentionRowSums]);
    expect(applied).toBe(0);
    expect(refusals).toEqual([{ rule: "attention row sums", node: "ReduceSum", reason }]);
  });

  test("are not matched if the sum runs over another axis", () => {
    const graph = new GraphBuilder("columns");
    const p = graph.softmax(graph.input("logits", "float32", [4, 4]));
    const v = graph.input("v", "float32", [4, 4]);
    graph.output("o", graph.matmul(p, v));
    graph.output("sums", graph.reduceSum(graph.mul(graph.matmul(v, v, { transB: true }), p), [0]));
    expect(applyRules(graph.build(), [attentionRowSums])).toMatchObject({ applied: 0, refusals: [] });
  });
});
