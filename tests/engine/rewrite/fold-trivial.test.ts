import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { Value } from "../../../engine/graph/value.ts";
import { foldTrivial } from "../../../engine/rewrite/fold-trivial.ts";
import { removeDeadNodes } from "../../../engine/rewrite/remove-dead-nodes.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { countOperators, expectSameMeaning } from "./same-meaning.ts";

type Write = (graph: GraphBuilder, x: Value) => Value;

/** A function of x [2, 3, 4], before and after one walk of the rules. */
function fold(write: Write) {
  const graph = new GraphBuilder("fold");
  graph.output("y", write(graph, graph.input("x", "float32", [2, 3, 4])));
  const { graph: rewritten, refusals } = applyRules(graph.build(), foldTrivial);
  const live = removeDeadNodes(rewritten);
  expectSameMeaning(live, graph.build());
  return { operators: countOperators(live), reasons: refusals.map(({ reason }) => reason) };
}

describe("removes", () => {
  test.each<[string, Write]>([
    ["a sum with zero", (g, x) => g.add(x, 0)],
    ["a difference with zero", (g, x) => g.sub(x, 0)],
    ["a product with one, on either side", (g, x) => g.mul(g.scalar(1), g.mul(x, 1))],
    ["a product with a tensor of ones", (g, x) => g.mul(x, g.constant([1, 1, 1, 1], [4]))],
    ["a quotient by one", (g, x) => g.div(x, 1)],
    ["a reshape to the same shape", (g, x) => g.reshape(x, [2, 3, 4])],
    ["an expansion to the same shape", (g, x) => g.expand(x, [2, 3, 4])],
    ["a transposition that moves nothing", (g, x) => g.transpose(x, [0, 1, 2])],
    ["a slice of everything", (g, x) => g.slice(x, 1, 0, 3)],
    ["a padding of nothing", (g, x) => g.pad(x, 1, 0, 0)],
    ["a concatenation of one part", (g, x) => g.concat([x], 1)],
    ["a negation of a negation", (g, x) => g.neg(g.neg(x))],
    ["a reversal of a reversal", (g, x) => g.reverse(g.reverse(x, 1), 1)],
  ])("%s", (_, write) => {
    expect(fold(write)).toEqual({ operators: {}, reasons: [] });
  });
});

describe("merges", () => {
  test.each<[string, Write, Record<string, number>]>([
    ["a reshape of a reshape", (g, x) => g.reshape(g.reshape(x, [6, 4]), [3, 8]), { Reshape: 1 }],
    [
      "a transposition of a transposition",
      (g, x) => g.transpose(g.transpose(x, [2, 0, 1]), [1, 0, 2]),
      { Transpose: 1 },
    ],
    [
      "an expansion of an expansion",
      (g, x) => g.expand(g.expand(g.reshape(x, [2, 3, 4, 1]), [2, 3, 4, 2]), [5, 2, 3, 4, 2]),
      { Reshape: 1, Expand: 1 },
    ],
    ["arithmetic of two numbers", (g, x) => g.add(x, g.mul(g.scalar(0.5), 3)), { Add: 1 }],
    [
      "a way through float32 and back",
      (g, x) => g.exp(g.cast(g.cast(g.cast(x, "float16"), "float32"), "float16")),
      { Cast: 1, Exp: 1 },
    ],
    [
      "a product with one in half precision",
      (g, x) => g.exp(g.mul(g.cast(x, "float16"), 1)),
      { Cast: 1, Exp: 1 },
    ],
    ["a reshaped constant", (g, x) => g.mul(x, g.reshape(g.constant([1, 2, 3], [3]), [3, 1])), { Mul: 1 }],
    [
      "an operand expanded before a product",
      (g, x) => g.mul(g.expand(g.scalar(2), [2, 3, 4]), x),
      { Mul: 1 },
    ],
    [
      "a sum of two expansions that need only one",
      (g, x) => g.add(g.expand(g.scalar(2), [5, 2, 3, 4]), g.expand(x, [5, 2, 3, 4])),
      { Add: 1, Expand: 1 },
    ],
  ])("%s", (_, write, operators) => {
    expect(fold(write)).toMatchObject({ operators });
  });
});

describe("does not change", () => {
  test.each<[string, Write, string]>([
    [
      "a sum with zeros that also repeats",
      (g, x) => g.add(x, g.constant(new Float32Array(48), [2, 2, 3, 4])),
      "it also repeats x [2, 3, 4] to [2, 2, 3, 4]",
    ],
    [
      "an expansion that gives the result its shape",
      (g, x) => g.mul(g.expand(x, [5, 2, 3, 4]), 2),
      "without it the operands do not broadcast to [5, 2, 3, 4]",
    ],
    ["a turn by 180°", (g, x) => g.reverse(g.reverse(x, 1), 2), "different axes 1 and 2 are reversed"],
    [
      "arithmetic of larger constants",
      (g, x) => g.mul(x, g.add(g.constant([1, 2, 3, 4], [4]), 1)),
      "onnxruntime folds larger constants when it loads the graph",
    ],
  ])("%s", (_, write, reason) => {
    expect(fold(write).reasons).toEqual([reason]);
  });

  test("a slice of a slice", () => {
    expect(fold((g, x) => g.slice(g.slice(x, 1, 0, 2), 2, 1, 3)).operators).toEqual({ Slice: 2 });
  });

  test("a rounding to half precision", () => {
    const { operators } = fold((g, x) => g.cast(g.cast(x, "float16"), "float32"));
    expect(operators).toEqual({ Cast: 2 });
  });

  test("zero on the left of a difference, one over x, a reversal", () => {
    const { operators } = fold((g, x) => g.reverse(g.add(g.sub(0, x), g.div(1, g.exp(x))), 2));
    expect(operators).toEqual({ Sub: 1, Exp: 1, Div: 1, Add: 1, Slice: 1 });
  });
});
