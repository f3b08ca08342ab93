import { describe, expect, test } from "vitest";
import { forwardGraph, preparedCases } from "./case-graph.ts";
import { deviation } from "./closeness.ts";
import { operatorCases } from "./operator-cases.ts";
import { evaluateGraph } from "./reference/evaluate-graph.ts";
import { runOnCpu } from "./run-on-cpu.ts";
import { float32Tolerance } from "./tolerances.ts";

describe("every operator on onnxruntime equals the float64 reference", () => {
  test.each(Object.entries(operatorCases))("%s has at least two cases with distinct names", (_, cases) => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    expect(cases.length).toBeGreaterThanOrEqual(2);
  });

  test.each(preparedCases.map((prepared) => [prepared.title, prepared] as const))(
    "%s",
    async (_, prepared) => {
      const graph = forwardGraph(prepared);
      const expected = evaluateGraph(graph, numeric(prepared.feeds));
      const actual = await runOnCpu(graph, prepared.feeds);
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const [name, y] of Object.entries(expected))
        expect(deviation(actual[name]!, y.data), name).toBeLessThan(float32Tolerance);
    },
  );
});

function numeric(feeds: Readonly<Record<string, Float32Array | BigInt64Array>>) {
  return Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, Array.from(data, Number)]));
}
