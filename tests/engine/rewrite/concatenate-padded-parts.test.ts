import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { Value } from "../../../engine/graph/value.ts";
import { concatenatePaddedParts } from "../../../engine/rewrite/concatenate-padded-parts.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { removeDeadNodes } from "../../../engine/rewrite/remove-dead-nodes.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { lossAndGradients } from "../numerics/expect-gradient.ts";
import { countOperators, expectSameMeaning } from "./same-meaning.ts";

test("a gated feed-forward's derivative concatenates the halves instead of padding and adding", () => {
  const graph = lossAndGradients({ x: [2, 3, 8] }, (g, { x }) =>
    g.mul(g.slice(x, 2, 0, 4), g.gelu(g.slice(x, 2, 4, 8))),
  );
  const optimized = optimize(graph);
  expect(countOperators(graph).Pad).toBe(2);
  expect(countOperators(optimized).Pad).toBeUndefined();
  expect(countOperators(optimized).Concat).toBe(1);
  expectSameMeaning(optimized, graph);
});

test("the order of the sum does not matter; the order of the parts does", () => {
  const graph = new GraphBuilder("order");
  const [a, b] = [graph.input("a", "float32", [1, 2]), graph.input("b", "float32", [3, 2])];
  graph.output("y", graph.add(graph.pad(b, 0, 1, 0), graph.pad(a, 0, 0, 3)));
  const { graph: rewritten } = applyRules(graph.build(), [concatenatePaddedParts]);
  expect(countOperators(removeDeadNodes(rewritten))).toEqual({ Concat: 1 });
  expectSameMeaning(rewritten, graph.build());
});

describe("not rewritten, with the reason, if", () => {
  test.each<[string, (g: GraphBuilder, a: Value, b: Value) => Value, string]>([
    [
      "the parts leave a gap",
      (g, a, b) => g.add(g.pad(a, 0, 0, 3), g.pad(b, 0, 3, 0)),
      "the parts overlap or leave a gap on axis 0",
    ],
    [
      "the parts overlap",
      (g, a, b) => g.add(g.pad(a, 0, 0, 1), g.pad(b, 0, 1, 0)),
      "the parts overlap or leave a gap on axis 0",
    ],
    [
      "two axes are padded",
      (g, a, b) => g.add(g.pad(a, 0, 0, 2), g.pad(b, 2, 0, 0)),
      "axes 0 and 2 are padded",
    ],
    [
      "one part repeats",
      (g, a, b) => g.add(g.pad(g.slice(a, 1, 0, 1), 0, 0, 2), g.pad(b, 0, 2, 0)),
      "one part repeats along another axis",
    ],
  ])("%s", (_, write, reason) => {
    const graph = new GraphBuilder("parts");
    const shape = reason.startsWith("axes") ? [4, 2, 1] : [2, 2, 1];
    const sum = write(graph, graph.input("a", "float32", [2, 2, 1]), graph.input("b", "float32", shape));
    graph.output("y", sum);
    const { applied, refusals } = applyRules(graph.build(), [concatenatePaddedParts]);
    expect(applied).toBe(0);
    expect(refusals.map((refusal) => refusal.reason)).toEqual([reason]);
  });
});
