import { describe, expect, test } from "vitest";
import type { OpType } from "../../../engine/graph/operators.ts";
import { type OptimizedGraph, optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { forwardGraph, preparedCases } from "../numerics/case-graph.ts";

/**
 * Operators with a kernel on CUDA alone. The library still checks their types, attributes and shapes against its
 * schemas before it looks for a kernel.
 */
const cudaOnly: readonly OpType[] = ["NhwcConv", "GroupNorm", "BiasSplitGelu"];
const cases = preparedCases
  .filter(({ op }) => cudaOnly.includes(op))
  .map((prepared) => [prepared.title, prepared] as const);

const load = (graph: OptimizedGraph) => Session.create(graph, { device: "cpu", threads: 1, root: "/" });

describe("onnxruntime's schemas", () => {
  test.each(cases)("accept %s, which has no kernel on the CPU", async (_, prepared) => {
    await expect(load(optimize(forwardGraph(prepared)))).rejects.toThrow(
      `Could not find an implementation for ${prepared.op}(1)`,
    );
  });

  test.each(cases)("infer another shape than a wrong one: %s", async (_, prepared) => {
    const graph = optimize(forwardGraph(prepared));
    const y = graph.outputs.get("y0")!;
    for (const axis of y.shape.keys()) {
      const outputs = new Map([["y0", { ...y, shape: y.shape.with(axis, y.shape[axis]! + 1) }]]);
      await expect(load({ ...graph, outputs })).rejects.toThrow(
        `Inferred=${y.shape[axis]} Declared=${y.shape[axis]! + 1} Dimension=${axis}`,
      );
    }
  });
});
