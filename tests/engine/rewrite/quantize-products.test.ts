import { expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { elementCount, type Shape } from "../../../engine/graph/value.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { quantizationRules, quantizeProducts } from "../../../engine/rewrite/quantize-products.ts";
import { applyRules } from "../../../engine/rewrite/rewrite-rule.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { randomArray, seedOf } from "../numerics/seeded-random.ts";
import { countOperators } from "./same-meaning.ts";

const nothing = () => false;
const conv = { stride: 1, pads: [1, 1, 1, 1], dilation: 1 } as const;

const rms = (values: Float32Array) => Math.hypot(...values) / Math.sqrt(values.length);

/** A convolution of an image, then a layer with a bias on its pixels as tokens. */
function twoLayers(): GraphBuilder {
  const graph = new GraphBuilder("layers");
  const drawn = (name: string, ...shape: Shape) =>
    graph.constant(randomArray(elementCount(shape), seedOf(name), -1, 1), shape);
  const x = graph.input("x", "float32", [1, 16, 8, 8]);
  const image = graph.conv(x, drawn("kernel", 24, 16, 3, 3), drawn("shift", 24), conv);
  const tokens = graph.reshape(graph.transpose(image, [0, 2, 3, 1]), [1, 64, 24]);
  graph.output(
    "y",
    graph.add(graph.matmul(tokens, drawn("layer", 32, 24), { transB: true }), drawn("bias", 32)),
  );
  return graph;
}

test("a convolution and a layer become 8-bit products, close to float32 but not equal", async () => {
  const graph = optimize(twoLayers().build());
  const quantized = quantizeProducts(graph, nothing);
  expect(countOperators(quantized)).toEqual({
    DynamicQuantizeConv: 1,
    DynamicQuantizeMatMul: 1,
    QuantizeWeight: 2,
    Reshape: 1,
    Transpose: 3,
  });
  const feeds = feedsOf(graph);
  const [{ y: exact }, { y: rounded }] = [await runOnCpu(graph, feeds), await runOnCpu(quantized, feeds)];
  const error = rms(rounded!.map((value, i) => value - exact![i]!)) / rms(exact!);
  // Measured: 1.1%.
  expect(error).toBeLessThan(0.02);
  expect(error).toBeGreaterThan(0.001);
});

test("a graph without such a layer is returned as it is", () => {
  const graph = new GraphBuilder("attention");
  const [q, k] = [graph.input("q", "float32", [1, 2, 4, 8]), graph.input("k", "float32", [1, 2, 4, 8])];
  graph.output("scores", graph.softmax(graph.matmul(q, k, { transB: true })));
  const optimized = optimize(graph.build());
  expect(quantizeProducts(optimized, nothing)).toBe(optimized);
});

test("other layers stay in floating point, with the reason", () => {
  const graph = new GraphBuilder("others");
  const weight = (name: string, shape: Shape, dtype: "float32" | "float16" = "float32") =>
    graph.weight(
      name,
      { dtype, shape },
      { file: `/${name}`, byteOffset: 0, byteLength: 4 * elementCount(shape) },
    );
  const image = graph.input("image", "float32", [1, 8, 4, 4]);
  const first = graph.conv(
    image,
    graph.cast(weight("conv_in", [8, 8, 3, 3], "float16"), "float32"),
    undefined,
    conv,
  );
  const text = graph.matmul(graph.input("text", "float32", [1, 77, 8]), weight("to_k", [8, 8]), {
    transB: true,
  });
  const half = graph.conv(
    graph.cast(image, "float16"),
    weight("half", [8, 8, 3, 3], "float16"),
    undefined,
    conv,
  );
  const rows = graph.reshape(image, [1, 16, 8]);
  const scaled = graph.matmul(rows, weight("scaled", [8, 8]), { alpha: 0.5 });
  for (const [index, value] of [first, text, half, scaled].entries())
    graph.output(`y${index}`, graph.cast(value, "float32"));
  const built = graph.build();
  const rules = quantizationRules(built, (name) => name === "conv_in");
  const { applied, refusals } = applyRules(built, rules);
  expect(applied).toBe(0);
  expect(refusals.map(({ reason }) => reason)).toEqual([
    "conv_in is sensitive",
    expect.stringMatching(/MatMul does not depend on an image$/),
    "half is used in float16",
    "scaled is not a layer's matrix",
  ]);
});
