import { describe, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { gradientGraph, preparedCases } from "../numerics/case-graph.ts";
import { deviation } from "../numerics/closeness.ts";
import { attention, groupNorm } from "../numerics/composed-functions.ts";
import { feedsOf, lossAndGradients } from "../numerics/expect-gradient.ts";
import { evaluateGraph } from "../numerics/reference/evaluate-graph.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { expectSameMeaning } from "./same-meaning.ts";

/** Constants folded here are rounded to float32 (6e-8), unlike the float64 original's. */
const foldedTolerance = 1e-7;

test("a mean squared error's derivative becomes its formula", () => {
  const graph = new GraphBuilder("loss");
  const x = graph.input("x", "float32", [2, 3]);
  const error = graph.sub(x, 1);
  const loss = graph.reshape(graph.reduceMean(graph.mul(error, error), [0, 1]), []);
  graph.output("dx", gradient(graph, loss, [x])[0]!);
  const optimized = optimize(graph.build());
  expect(printGraph(optimized)).toMatchInlineSnapshot(`
    "graph loss(x: float32[2, 3]) {
      %0 = Sub(x, 1) : float32[2, 3]
      %1 = Mul(const[1, 1], %0) : float32[2, 3]
      %2 = Add(%1, %1) : float32[2, 3]
      return dx = %2
    }"
  `);
  const feeds = feedsOf(graph.build());
  const expected = evaluateGraph(graph.build(), feeds).dx!.data;
  expect(deviation(evaluateGraph(optimized, feeds).dx!.data, expected)).toBeLessThan(foldedTolerance);
});

test("an attention block gives the same results with fewer nodes, in float64 and on onnxruntime", async () => {
  const graph = lossAndGradients({ x: [2, 4, 6], weight: [4], bias: [4] }, (g, { x, weight, bias }) => {
    const image = g.reshape(x, [2, 4, 3, 2]);
    const normal = g.reshape(groupNorm(g, image, 2, weight, bias), [2, 4, 6]);
    return g.add(x, attention(g, normal, normal, g.quickGelu(normal, 1)));
  });
  const optimized = optimize(graph);
  expectSameMeaning(optimized, graph);
  expect(optimized.nodes.length).toBeLessThan(graph.nodes.length);
  const feeds = feedsOf(graph);
  const [before, after] = [await runOnCpu(graph, feeds), await runOnCpu(optimized, feeds)];
  for (const name of Object.keys(before))
    expect(deviation(after[name]!, before[name]!), name).toBeLessThan(1e-5);
});

test("optimizing twice equals optimizing once", () => {
  const graph = lossAndGradients({ x: [1, 2, 3, 4] }, (g, { x }) => attention(g, x, x, x));
  const once = optimize(graph);
  expect(printGraph(optimize(once))).toBe(printGraph(once));
});

test("all inputs stay, and outputs keep their names and order", () => {
  const graph = new GraphBuilder("kept");
  const x = graph.input("x", "float32", [2]);
  graph.input("unused", "float32", [3]);
  graph.output("second", graph.add(x, 0));
  graph.output("first", graph.mul(x, 1));
  const optimized = optimize(graph.build());
  expect(printGraph(optimized)).toMatchInlineSnapshot(`
    "graph kept(x: float32[2], unused: float32[3]) {
      return second = x
      return first = x
    }"
  `);
});

describe("the optimized derivative of every operator case gives the same results", () => {
  const smooth = preparedCases.filter(({ differentiable }) => differentiable.length > 0);
  test.each(smooth.map((prepared) => [prepared.title, prepared] as const))("%s", (_, prepared) => {
    const graph = gradientGraph(prepared);
    const feeds = Object.fromEntries(
      Object.entries(prepared.feeds).map(([name, data]) => [name, Array.from(data, Number)]),
    );
    const expected = evaluateGraph(graph, feeds);
    const optimized = evaluateGraph(optimize(graph), feeds);
    for (const [name, { data }] of Object.entries(expected))
      expect(deviation(optimized[name]!.data, data), name).toBeLessThan(foldedTolerance);
  });
});
