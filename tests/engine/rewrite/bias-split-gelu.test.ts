import { describe, expect, test } from "vitest";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import type { Value } from "../../../engine/graph/value.ts";
import { biasSplitGelu } from "../../../engine/rewrite/bias-split-gelu.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { randomArray } from "../numerics/seeded-random.ts";
import { expectSameMeaning } from "./same-meaning.ts";

type Write = (g: GraphBuilder, both: Value, half: number) => Value;

const geglu: Write = (g, both, half) =>
  g.mul(g.slice(both, 2, 0, half), g.gelu(g.slice(both, 2, half, 2 * half)));

function graphOf(write: Write = geglu, width = 2560, bias: readonly number[] = [width]): Graph {
  const g = new GraphBuilder("geglu");
  const x = g.input("x", "float32", [1, 2, width]);
  const count = bias.reduce((a, b) => a * b, 1);
  g.output("y", write(g, g.add(x, g.constant(randomArray(count, 1), bias)), width / 2));
  return optimize(g.build());
}

test("a bias, two halves, Gelu and a product become one node", () => {
  const graph = graphOf();
  const rewritten = optimize(applyRules(graph, [biasSplitGelu(graph)]).graph);
  expect(printGraph(rewritten)).toMatchInlineSnapshot(`
    "graph geglu(x: float32[1, 2, 2560]) {
      %0 = BiasSplitGelu(x, const[2560]) : float32[1, 2, 1280]
      return y = %0
    }"
  `);
  expectSameMeaning(rewritten, graph);
});

describe("they stay as they are, with the reason, where", () => {
  test.each<[string, Graph, string]>([
    [
      "the kernel is not compiled for the width",
      graphOf(geglu, 768),
      "CUDA has no kernel for a width of 768",
    ],
    [
      "the first half is gated",
      graphOf((g, both, half) => g.mul(g.slice(both, 2, half, 2 * half), g.gelu(g.slice(both, 2, 0, half)))),
      "the halves differ",
    ],
    [
      "the bias differs between tokens",
      graphOf(geglu, 2560, [2, 2560]),
      "does not have one element per column",
    ],
    [
      "the gate is read too",
      graphOf((g, both, half) => {
        const gate = g.gelu(g.slice(both, 2, half, 2 * half));
        return g.add(g.mul(g.slice(both, 2, 0, half), gate), gate);
      }),
      "is read elsewhere",
    ],
    [
      "the sum is read too",
      graphOf((g, both, half) => g.add(geglu(g, both, half), g.slice(both, 2, 1, half + 1))),
      "is read elsewhere",
    ],
  ])("%s", (_, graph, reason) => {
    const { applied, refusals } = applyRules(graph, [biasSplitGelu(graph)]);
    expect(applied).toBe(0);
    expect(refusals).toEqual([expect.objectContaining({ reason: expect.stringContaining(reason) })]);
  });
});
