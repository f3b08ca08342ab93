import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import { mergeCommonSubexpressions } from "../../../engine/rewrite/merge-common-subexpressions.ts";
import { expectSameMeaning } from "./same-meaning.ts";

test("repeated computations are merged, including constants and outputs", () => {
  const graph = new GraphBuilder("twice");
  const x = graph.input("x", "float32", [2, 4]);
  const branch = () => {
    const [y, mean] = graph.node("LayerNormalization", [x], { epsilon: 1e-5 });
    return graph.add(graph.mul(y!, graph.constant([2], [])), mean!);
  };
  graph.output("y", graph.sub(branch(), graph.exp(branch())));
  const merged = mergeCommonSubexpressions(graph.build());
  expect(printGraph(merged)).toMatchInlineSnapshot(`
    "graph twice(x: float32[2, 4]) {
      %0, %1, %2 = LayerNormalization(x, epsilon=0.00001) : float32[2, 4], float32[2, 1], float32[2, 1]
      %3 = Mul(%0, 2) : float32[2, 4]
      %4 = Add(%3, %1) : float32[2, 4]
      %5 = Exp(%4) : float32[2, 4]
      %6 = Sub(%4, %5) : float32[2, 4]
      return y = %6
    }"
  `);
  expectSameMeaning(merged, graph.build());
});

describe("does not merge", () => {
  test.each<[string, (graph: GraphBuilder) => void]>([
    [
      "attributes that differ",
      (g) => {
        const x = g.input("x", "float32", [2, 2]);
        g.output("a", g.clip(x, Number.NEGATIVE_INFINITY, 1));
        g.output("b", g.clip(x, 0, 1));
      },
    ],
    [
      "operands in another order",
      (g) => {
        const [a, b] = [g.input("a", "float32", [2]), g.input("b", "float32", [2])];
        g.output("ab", g.sub(a, b));
        g.output("ba", g.sub(b, a));
      },
    ],
    [
      "constants of one content and two shapes",
      (g) => {
        const x = g.input("x", "float32", [2, 2]);
        g.output("row", g.mul(x, g.constant([1, 2], [1, 2])));
        g.output("column", g.mul(x, g.constant([1, 2], [2, 1])));
      },
    ],
  ])("%s", (_, write) => {
    const graph = new GraphBuilder("apart");
    write(graph);
    const merged = mergeCommonSubexpressions(graph.build());
    expect(merged.nodes).toHaveLength(2);
    expectSameMeaning(merged, graph.build());
  });
});
