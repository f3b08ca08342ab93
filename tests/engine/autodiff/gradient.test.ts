import { describe, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { vjpRules } from "../../../engine/autodiff/vjp-rules.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import { removeDeadNodes } from "../../../engine/rewrite/remove-dead-nodes.ts";
import { attention, groupNorm } from "../numerics/composed-functions.ts";
import { expectGradient } from "../numerics/expect-gradient.ts";

describe("the gradient of a composed function equals central differences, and runs in float32", () => {
  test("a perceptron with a residual", () =>
    expectGradient({ x: [3, 4], w1: [4, 6], b1: [6], w2: [4, 6] }, (g, { x, w1, b1, w2 }) =>
      g.add(x, g.matmul(g.gelu(g.add(g.matmul(x, w1), b1)), w2, { transB: true })),
    ));

  test("attention", () =>
    expectGradient({ q: [2, 2, 3, 4], k: [2, 2, 5, 4], v: [2, 2, 5, 4] }, (g, { q, k, v }) =>
      attention(g, q, k, v),
    ));

  test("self-attention: queries, keys and values of one input", () =>
    expectGradient({ x: [1, 2, 4, 3], w: [3, 3] }, (g, { x, w }) => attention(g, g.matmul(x, w), x, x)));

  test("group normalization and SiLU", () =>
    expectGradient({ x: [2, 4, 3, 2], weight: [4], bias: [4] }, (g, { x, weight, bias }) =>
      g.quickGelu(groupNorm(g, x, 2, weight, bias), 1),
    ));

  test("a residual block: normalize, convolve, halve, convolve, double", () =>
    expectGradient({ x: [1, 2, 4, 4], w1: [4, 2, 3, 3], w2: [2, 4, 3, 3] }, (g, { x, w1, w2 }) => {
      const same = { stride: 1, pads: [1, 1, 1, 1], dilation: 1 } as const;
      const down = g.conv(g.tanh(x), w1, undefined, { ...same, stride: 2 });
      return g.add(x, g.resize(g.conv(g.quickGelu(down, 1), w2, undefined, same), 2));
    }));

  test("a cosine similarity with a clamp that has no effect", () =>
    expectGradient({ a: [6], b: [6] }, (g, { a, b }) => {
      const norm = (x: typeof a) => g.sqrt(g.reduceSum(g.mul(x, x), [0]));
      return g.clip(g.div(g.reduceSum(g.mul(a, b), [0]), g.mul(norm(a), norm(b))), -5, 5);
    }));

  test("a value used as both operands of one node", () =>
    expectGradient({ x: [2, 3] }, (g, { x }) => g.mul(x, x)));

  test("a value used on three paths", () =>
    expectGradient({ x: [2, 3] }, (g, { x }) => g.add(g.mul(g.exp(x), x), g.sin(x))));

  test("gradients are summed over broadcast axes: a scalar, a bias, a repeated axis", () =>
    expectGradient({ s: [], b: [3], c: [2, 1], x: [2, 3] }, (g, { s, b, c, x }) =>
      g.mul(g.add(g.mul(x, s), b), g.tanh(c)),
    ));

  test("slices of a value, overwritten and concatenated", () =>
    expectGradient({ x: [5, 2], learned: [2, 2] }, (g, { x, learned }) =>
      g.exp(g.concat([g.slice(x, 0, 0, 1), learned, g.slice(x, 0, 3, 5)], 0)),
    ));
});

test("a small derivative graph prints like the formula", () => {
  const graph = new GraphBuilder("loss");
  const x = graph.input("x", "float32", [2, 3]);
  const w = graph.input("w", "float32", [3, 1]);
  const error = graph.sub(graph.matmul(x, w), 1);
  const loss = graph.reshape(graph.reduceMean(graph.mul(error, error), [0, 1]), []);
  const [dw] = gradient(graph, loss, [w]);
  graph.output("dw", dw!);
  expect(printGraph(removeDeadNodes(graph.build()))).toMatchInlineSnapshot(`
    "graph loss(x: float32[2, 3], w: float32[3, 1]) {
      %0 = MatMul(x, w, transA=false, transB=false, alpha=1) : float32[2, 1]
      %1 = Sub(%0, 1) : float32[2, 1]
      %2 = Reshape(1, shape=[1,1]) : float32[1, 1]
      %3 = Mul(%2, 0.5) : float32[1, 1]
      %4 = Expand(%3, shape=[2,1]) : float32[2, 1]
      %5 = Mul(%4, %1) : float32[2, 1]
      %6 = Mul(%4, %1) : float32[2, 1]
      %7 = Add(%5, %6) : float32[2, 1]
      %8 = MatMul(x, %7, transA=true, transB=false, alpha=1) : float32[3, 1]
      return dw = %8
    }"
  `);
});

test("normalization reuses the statistics of the forward pass", () => {
  const graph = new GraphBuilder("norm");
  const x = graph.input("x", "float32", [2, 4]);
  const y = graph.layerNormalization(x, 1e-5);
  const [dx] = gradient(graph, graph.reshape(graph.reduceSum(graph.mul(y, y), [0, 1]), []), [x]);
  graph.output("dx", dx!);
  expect(printGraph(removeDeadNodes(graph.build()))).toMatchInlineSnapshot(`
    "graph norm(x: float32[2, 4]) {
      %0, %1, %2 = LayerNormalization(x, epsilon=0.00001) : float32[2, 4], float32[2, 1], float32[2, 1]
      %3 = Reshape(1, shape=[1,1]) : float32[1, 1]
      %4 = Expand(%3, shape=[2,4]) : float32[2, 4]
      %5 = Mul(%4, %0) : float32[2, 4]
      %6 = Mul(%4, %0) : float32[2, 4]
      %7 = Add(%5, %6) : float32[2, 4]
      %8 = ReduceMean(%7, axes=[1]) : float32[2, 1]
      %9 = Sub(%7, %8) : float32[2, 4]
      %10 = Mul(%7, %0) : float32[2, 4]
      %11 = ReduceMean(%10, axes=[1]) : float32[2, 1]
      %12 = Mul(%0, %11) : float32[2, 4]
      %13 = Sub(%9, %12) : float32[2, 4]
      %14 = Mul(%13, %2) : float32[2, 4]
      return dx = %14
    }"
  `);
});

describe("gradient()", () => {
  test("adds no nodes for values that do not lie between the inputs and the loss", () => {
    const graph = new GraphBuilder("path");
    const x = graph.input("x", "float32", [2]);
    const other = graph.input("other", "float32", [2]);
    graph.erf(graph.gelu(x));
    const loss = graph.reduceSum(graph.mul(graph.exp(other), x), [0]);
    const before = graph.nodes.length;
    gradient(graph, loss, [x]);
    const added = graph.nodes.slice(before);
    expect(added.map(({ op }) => op)).not.toContain("Erf");
    expect(added.every(({ outputs }) => outputs.every(({ name }) => name.startsWith("gradient/")))).toBe(
      true,
    );
  });

  test("computes the gradient with respect to an intermediate value", () => {
    const graph = new GraphBuilder("middle");
    const hidden = graph.exp(graph.input("x", "float32", [2]));
    const loss = graph.reduceSum(graph.mul(hidden, 3), [0]);
    expect(gradient(graph, loss, [hidden])[0]!.shape).toEqual([2]);
    expect(graph.nodes.filter(({ op }) => op === "Exp")).toHaveLength(1);
  });

  test("is one for the loss itself", () => {
    const graph = new GraphBuilder("itself");
    const loss = graph.input("loss", "float32", []);
    expect(gradient(graph, loss, [loss])[0]!.origin).toEqual({
      kind: "constant",
      data: Float32Array.of(1),
    });
  });

  test("rejects a loss that is not a scalar", () => {
    const graph = new GraphBuilder("wide");
    const x = graph.input("x", "float32", [2]);
    expect(() => gradient(graph, graph.exp(x), [x])).toThrow(
      "internal: gradient: the loss Exp is [2], not a scalar",
    );
  });

  test("rejects, by name, an input that the loss does not depend on", () => {
    const graph = new GraphBuilder("apart");
    const x = graph.input("x", "float32", [1]);
    const other = graph.input("other", "float32", [1]);
    expect(() => gradient(graph, graph.exp(x), [x, other])).toThrow(
      "internal: gradient: Exp does not depend on other",
    );
  });

  test("reports that every path to the loss has a zero gradient", () => {
    const graph = new GraphBuilder("flat");
    const x = graph.input("x", "float32", [1]);
    expect(vjpRules.InRange).toBe("zero gradient");
    expect(() => gradient(graph, graph.inRange(x, 0, 1), [x])).toThrow("does not depend on x");
  });

  test("rejects a loss that reads a normalization's statistics", () => {
    const graph = new GraphBuilder("statistics");
    const x = graph.input("x", "float32", [1, 4]);
    const [, mean] = graph.node("LayerNormalization", [x], { epsilon: 1e-5 });
    expect(() => gradient(graph, mean!, [x])).toThrow(
      "LayerNormalization has no derivative of its statistic LayerNormalization_1 [1, 1]",
    );
  });
});
