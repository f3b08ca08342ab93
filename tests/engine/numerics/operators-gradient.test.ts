import { describe, expect, test } from "vitest";
import { vjpRules } from "../../../engine/autodiff/vjp-rules.ts";
import { forwardGraph, gradientGraph, type PreparedCase, preparedCases } from "./case-graph.ts";
import { centralDifference } from "./central-difference.ts";
import { deviation } from "./closeness.ts";
import { evaluateGraph } from "./reference/evaluate-graph.ts";
import { runOnCpu } from "./run-on-cpu.ts";
import { differenceTolerance, float32GradientTolerance } from "./tolerances.ts";

const titled = (cases: readonly PreparedCase[]) =>
  cases.map((prepared) => [prepared.title, prepared] as const);
const smooth = preparedCases.filter(({ differentiable }) => differentiable.length > 0);
const flat = preparedCases.filter(({ op }) => vjpRules[op] === "zero gradient");
const opaque = preparedCases.filter(({ op }) => vjpRules[op] === "none");

describe("every derivative rule agrees with central differences of the float64 reference", () => {
  test.each(titled(smooth))("%s", (_, prepared) => {
    const derivatives = evaluateGraph(gradientGraph(prepared), numeric(prepared));
    for (const name of prepared.differentiable)
      expect(deviation(derivatives[`d${name}`]!.data, differences(prepared, name)), name).toBeLessThan(
        differenceTolerance,
      );
  });
});

describe("every derivative graph runs on onnxruntime in float32", () => {
  test.each(titled(smooth))("%s", async (_, prepared) => {
    const graph = gradientGraph(prepared);
    const expected = evaluateGraph(graph, numeric(prepared));
    const actual = await runOnCpu(graph, prepared.feeds);
    for (const [name, dx] of Object.entries(expected))
      expect(deviation(actual[name]!, dx.data), name).toBeLessThan(float32GradientTolerance);
  });
});

describe("an operator that states a zero gradient is flat around its cases", () => {
  test.each(titled(flat))("%s", (_, prepared) => {
    for (const name of Object.keys(prepared.feeds))
      expect(Math.max(...differences(prepared, name).map(Math.abs)), name).toBe(0);
  });
});

describe("an operator without a derivative refuses to be differentiated", () => {
  test.each(titled(opaque))("%s", (_, prepared) => {
    expect(() => gradientGraph({ ...prepared, differentiable: ["x0"] })).toThrow(/is not differentiated/);
  });
});

/** ∂(Σ y·cotangent)/∂x of one input, by differences. */
function differences(prepared: PreparedCase, name: string): Float64Array {
  const graph = forwardGraph(prepared);
  const feeds = numeric(prepared);
  const loss = (x: Float64Array) =>
    evaluateGraph(graph, { ...feeds, [name]: x }).y0!.data.reduce(
      (sum, y, index) => sum + y * prepared.cotangent[index]!,
      0,
    );
  return centralDifference(loss, feeds[name]!, prepared.operatorCase.step);
}

function numeric({ feeds }: PreparedCase): Record<string, number[]> {
  return Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, Array.from(data, Number)]));
}
