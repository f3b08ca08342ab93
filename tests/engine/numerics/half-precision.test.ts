import { describe, expect, test } from "vitest";
import { vjpRules } from "../../../engine/autodiff/vjp-rules.ts";
import { forwardGraph, gradientGraph, type PreparedCase, preparedCases } from "./case-graph.ts";
import { deviation } from "./closeness.ts";
import { evaluateGraph } from "./reference/evaluate-graph.ts";
import { roundToHalf } from "./reference/special-functions.ts";
import { runOnCpu } from "./run-on-cpu.ts";
import { float16GradientTolerance, float16Tolerance } from "./tolerances.ts";

/**
 * The operators' cases with numbers that are exact in half precision, because the runtime may omit a rounding
 * between two nodes.
 */
const titled = preparedCases
  // Operators that are not differentiated are 8-bit products of float32.
  .filter(({ op }) => vjpRules[op] !== "none")
  .map((prepared) => [prepared.title, { ...prepared, feeds: inHalves(prepared) }] as const);
const smooth = titled.filter(([, { differentiable }]) => differentiable.length > 0);

describe("every operator on onnxruntime equals the rounding reference in half precision", () => {
  test.each(titled)("%s", async (_, prepared) => {
    const graph = forwardGraph(prepared, "float16");
    const expected = evaluateGraph(graph, numeric(prepared));
    const actual = await runOnCpu(graph, prepared.feeds);
    for (const [name, y] of Object.entries(expected))
      expect(deviation(actual[name]!, y.data), name).toBeLessThan(float16Tolerance);
  });
});

describe("every derivative graph runs in half precision", () => {
  test.each(smooth)("%s", async (_, prepared) => {
    const graph = gradientGraph(prepared, "float16");
    const expected = evaluateGraph(graph, numeric(prepared));
    const actual = await runOnCpu(graph, prepared.feeds);
    for (const [name, dx] of Object.entries(expected))
      expect(deviation(actual[name]!, dx.data), name).toBeLessThan(float16GradientTolerance);
  });
});

describe("in a half-precision derivative", () => {
  test.each(smooth)("every node's operands have one type (%s)", (_, prepared) => {
    // The builder rejects operands of different types, but not a gradient whose type differs from its input's.
    const { outputs } = gradientGraph(prepared, "float16");
    for (const [name, { dtype }] of outputs) expect(dtype, name).toBe("float32");
  });
});

function inHalves({ feeds }: PreparedCase): PreparedCase["feeds"] {
  const round = (data: Float32Array | BigInt64Array) =>
    data instanceof Float32Array ? data.map(roundToHalf) : data;
  return Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, round(data)]));
}

function numeric({ feeds }: PreparedCase): Record<string, number[]> {
  return Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, Array.from(data, Number)]));
}
