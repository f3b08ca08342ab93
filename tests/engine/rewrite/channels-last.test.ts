import { describe, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";
import type { FloatType, Value } from "../../../engine/graph/value.ts";
import { channelsLast } from "../../../engine/rewrite/channels-last.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { evaluateGraph } from "../numerics/reference/evaluate-graph.ts";
import { randomArray, seedOf } from "../numerics/seeded-random.ts";

const image = { stride: 1, pads: [1, 1, 1, 1], dilation: 1 } as const;
/** Both sides round to half precision, at other places. */
const halfTolerance = 3e-3;

const weights = new Map<Value, Float32Array>();
function weight(
  g: GraphBuilder,
  name: string,
  shape: readonly number[],
  dtype: FloatType = "float16",
): Value {
  const source = { file: "/weights", byteOffset: weights.size, byteLength: 0 };
  const value = g.weight(name, { dtype, shape }, source);
  weights.set(
    value,
    randomArray(
      shape.reduce((a, b) => a * b, 1),
      seedOf(name),
    ),
  );
  return value;
}
const readWeight = (value: Value) => weights.get(value)!;

interface NormOptions {
  readonly groups?: number;
  readonly scale?: Value;
}
function norm(g: GraphBuilder, x: Value, { groups = 2, scale }: NormOptions = {}): Value {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const grouped = g.reshape(x, [n, groups, (c / groups) * h * w]);
  const normalized = g.reshape(g.layerNormalization(grouped, 1e-5), x.shape);
  const byChannel = (name: string) => g.reshape(weight(g, name, [c], x.dtype as FloatType), [c, 1, 1]);
  return g.add(g.mul(normalized, scale ?? byChannel("gamma")), byChannel("beta"));
}

function graphOf(write: (g: GraphBuilder, x: Value) => Value, dtype: FloatType = "float16"): Graph {
  const g = new GraphBuilder("image");
  const x = g.cast(g.input("x", "float32", [2, 4, 3, 3]), dtype);
  g.output("y", g.cast(write(g, x), "float32"));
  return optimize(g.build());
}

function expectSame(rewritten: Graph, graph: Graph): void {
  const feeds = feedsOf(graph);
  const [expected, actual] = [graph, rewritten].map((each) => evaluateGraph(each, feeds, readWeight).y!.data);
  expect(deviation(actual!, expected!)).toBeLessThan(halfTolerance);
}

const rewrite = (graph: Graph) => optimize(applyRules(graph, channelsLast(graph)).graph);

test("a normalization, SiLU and a convolution become two nodes between transpositions", () => {
  const graph = graphOf((g, x) =>
    g.conv(g.quickGelu(norm(g, x), 1), weight(g, "w", [6, 4, 3, 3]), weight(g, "b", [6]), image),
  );
  const rewritten = rewrite(graph);
  expect(printGraph(rewritten)).toMatchInlineSnapshot(`
    "graph image(x: float32[2, 4, 3, 3]) {
      %0 = Cast(x, to="float16") : float16[2, 4, 3, 3]
      %1 = Transpose(%0, permutation=[0,2,3,1]) : float16[2, 3, 3, 4]
      %2 = Cast(@gamma, to="float32") : float32[4]
      %3 = Cast(@beta, to="float32") : float32[4]
      %4 = GroupNorm(%1, %2, %3, groups=2, epsilon=0.00001, silu=true) : float16[2, 3, 3, 4]
      %5 = Transpose(@w, permutation=[0,2,3,1]) : float16[6, 3, 3, 4]
      %6 = NhwcConv(%4, %5, @b, stride=1, pads=[1,1,1,1], dilation=1, kernel=[3,3]) : float16[2, 3, 3, 6]
      %7 = Cast(%6, to="float32") : float32[2, 3, 3, 6]
      %8 = Transpose(%7, permutation=[0,3,1,2]) : float32[2, 6, 3, 3]
      return y = %8
    }"
  `);
  expectSame(rewritten, graph);
});

test.each<[string, (g: GraphBuilder, x: Value) => Value, number]>([
  [
    "a sum with a bias for each sample",
    (g, x) => g.add(g.conv(x, weight(g, "w", [4, 4, 3, 3]), undefined, image), g.reduceMean(x, [2, 3])),
    2,
  ],
  [
    "a residual sum",
    (g, x) => {
      const y = g.conv(x, weight(g, "w", [4, 4, 3, 3]), undefined, image);
      return g.add(g.conv(norm(g, y), weight(g, "v", [4, 4, 3, 3]), undefined, image), y);
    },
    2,
  ],
  [
    "a concatenation of channels",
    (g, x) => {
      const parts = ["w", "v"].map((name) => g.conv(x, weight(g, name, [4, 4, 3, 3]), undefined, image));
      return g.conv(g.concat(parts, 1), weight(g, "u", [4, 8, 1, 1]), undefined, {
        ...image,
        pads: [0, 0, 0, 0],
      });
    },
    2,
  ],
])("%s keeps the channels last", (_, write, transpositions) => {
  const graph = graphOf(write);
  const rewritten = rewrite(graph);
  const moved = rewritten.nodes.filter(
    ({ op, inputs }) => op === "Transpose" && inputs[0]!.origin.kind !== "weight",
  );
  expect(moved.length).toBe(transpositions);
  expectSame(rewritten, graph);
});

describe("a normalization stays as it is, with the reason, where", () => {
  test.each<[string, Graph, string]>([
    ["it is float32", graphOf((g, x) => norm(g, x), "float32"), "x is float32"],
    [
      "the scale differs between samples",
      graphOf((g, x) => norm(g, x, { scale: g.reduceMean(x, [2, 3]) })),
      "differs between samples",
    ],
    [
      "groups have one channel",
      graphOf((g, x) => norm(g, x, { groups: 4 })),
      "CUDA has no kernel for groups of 1 channels",
    ],
    [
      "the normalized values are read too",
      graphOf((g, x) => {
        const y = norm(g, x);
        const normalized = g.nodes.findLast(({ op }) => op === "Mul")!.inputs[0]!;
        return g.add(y, normalized);
      }),
      "is read elsewhere",
    ],
  ])("%s", (_, graph, reason) => {
    const { refusals, graph: rewritten } = applyRules(graph, channelsLast(graph));
    expect(refusals).toEqual([expect.objectContaining({ reason: expect.stringContaining(reason) })]);
    expect(rewritten.nodes.some(({ op }) => op === "GroupNorm")).toBe(false);
  });
});

test("a convolution stays as it is where its weight is computed", () => {
  const graph = graphOf((g, x) => g.conv(x, g.reshape(g.slice(x, 0, 0, 1), [1, 4, 3, 3]), undefined, image));
  const { refusals, applied } = applyRules(graph, channelsLast(graph));
  expect({ refusals, applied }).toMatchObject({
    applied: 0,
    refusals: [{ reason: expect.stringContaining("is not constant") }],
  });
});

test("the statistics that a derivative reads are kept", () => {
  const g = new GraphBuilder("loss");
  const x = g.input("x", "float32", [2, 4, 3, 3]);
  const y = g.cast(norm(g, g.cast(x, "float16")), "float32");
  const loss = g.reshape(g.reduceSum(g.mul(y, y), [0, 1, 2, 3]), []);
  g.output("dx", gradient(g, loss, [x])[0]!);
  const graph = optimize(g.build());
  expect(applyRules(graph, channelsLast(graph)).graph.nodes.some(({ op }) => op === "GroupNorm")).toBe(false);
});
