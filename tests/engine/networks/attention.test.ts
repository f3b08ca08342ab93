import { expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { elementCount, type Value } from "../../../engine/graph/value.ts";
import { multiHeadAttention } from "../../../engine/networks/attention.ts";
import { deviation } from "../numerics/closeness.ts";
import { attention } from "../numerics/composed-functions.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { randomArray, seedOf } from "../numerics/seeded-random.ts";

/** The same rows in the same kernels; only their partition differs. */
const piecewiseTolerance = 1e-6;

test("attention over many tokens runs in slices of 64 MiB of scores with the same result", async () => {
  const shape = [1, 4609, 4]; // 4609² scores are a little over 2²⁴, and an odd number of queries
  const write = (whole: boolean) => {
    const graph = new GraphBuilder("attention");
    const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, "float32", shape)) as [
      Value,
      Value,
      Value,
    ];
    graph.output("y", whole ? attention(graph, q, k, v) : multiHeadAttention(graph, q, k, v, 1));
    return graph.build();
  };
  const pieces = write(false);
  const scores = pieces.nodes.flatMap(({ op, outputs }) => (op === "Softmax" ? [outputs[0]!.shape] : []));
  expect(scores).toEqual([
    [1, 1, 2305, 4609],
    [1, 1, 2304, 4609],
  ]);
  expect(Math.max(...scores.map(elementCount))).toBeLessThanOrEqual(2 ** 24);
  const feeds = Object.fromEntries(
    pieces.inputs.map(({ name }) => [name, randomArray(elementCount(shape), seedOf(name), -1, 1)]),
  );
  const [expected, actual] = [await runOnCpu(write(true), feeds), await runOnCpu(pieces, feeds)];
  expect(deviation(actual.y!, expected.y!)).toBeLessThan(piecewiseTolerance);
});
