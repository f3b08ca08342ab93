import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { rearrangedWeights, withStoredValues } from "../../../engine/rewrite/rearranged-weights.ts";

const source = { file: "/weights", byteOffset: 100, byteLength: 2 * 3 * 4 * 4 };

function weightGraph(dtype: "float32" | "float16" | "bfloat16" = "float32") {
  const graph = new GraphBuilder("weights");
  return { graph, w: graph.weight("w", { dtype, shape: [2, 3, 4] }, source) };
}

describe("rearranged weights are found", () => {
  it("as strides over the checkpoint's elements", () => {
    const { graph, w } = weightGraph();
    const turned = graph.reverse(graph.transpose(w, [1, 0, 2]), 2);
    graph.output("y", graph.exp(turned));
    expect([...rearrangedWeights(graph.build())]).toEqual([
      [
        turned,
        {
          source,
          sourceDtype: "float32",
          dtype: "float32",
          shape: [3, 2, 4],
          strides: [4, 12, -1],
          offset: 3,
        },
      ],
    ]);
  });

  it("also for intermediate uses and for outputs", () => {
    const { graph, w } = weightGraph();
    const swapped = graph.transpose(w, [1, 0, 2]);
    const piece = graph.slice(swapped, 0, 1, 3);
    graph.output("y", graph.exp(swapped));
    graph.output("piece", piece);
    const found = rearrangedWeights(graph.build());
    expect([...found.keys()]).toEqual([swapped, piece]);
    expect(found.get(piece)).toMatchObject({ shape: [2, 2, 4], strides: [4, 12, 1], offset: 4 });
  });

  it("with widening before or after the rearrangement", () => {
    for (const castFirst of [true, false]) {
      const { graph, w } = weightGraph("float16");
      const moved = castFirst
        ? graph.transpose(graph.cast(w, "float32"), [2, 1, 0])
        : graph.cast(graph.transpose(w, [2, 1, 0]), "float32");
      graph.output("y", graph.exp(moved));
      expect([...rearrangedWeights(graph.build()).keys()]).toEqual([moved]);
      expect(rearrangedWeights(graph.build()).get(moved)).toMatchObject({
        sourceDtype: "float16",
        dtype: "float32",
        strides: [1, 4, 12],
      });
    }
  });

  it("with rounding to half precision, but not with widening after it", () => {
    const { graph, w } = weightGraph();
    const moved = graph.transpose(graph.cast(w, "float16"), [2, 1, 0]);
    graph.output("y", graph.cast(moved, "float32"));
    expect([...rearrangedWeights(graph.build())]).toMatchObject([
      [moved, { sourceDtype: "float32", dtype: "float16", strides: [1, 4, 12] }],
    ]);
  });

  it("but not if only widened, rounded or computed with, and not for inputs", () => {
    const { graph, w } = weightGraph("bfloat16");
    const wide = graph.cast(w, "float32");
    graph.output("widened", graph.exp(wide));
    graph.output("computed", graph.transpose(graph.mul(wide, 2), [2, 1, 0]));
    graph.output("rounded", graph.cast(graph.cast(wide, "float16"), "float32"));
    graph.output("given", graph.transpose(graph.input("x", "float32", [2, 3]), [1, 0]));
    expect(rearrangedWeights(graph.build()).size).toBe(0);
  });
});

it("rearranged values from a file replace the nodes that computed them", () => {
  const { graph, w } = weightGraph();
  const turned = graph.reverse(graph.transpose(w, [1, 0, 2]), 2);
  graph.output("y", graph.exp(turned));
  graph.output("turned", turned);
  const place = { file: "/kept", byteOffset: 8, byteLength: 96 };
  const { nodes, outputs } = withStoredValues(graph.build(), new Map([[turned, place]]));
  expect(nodes.map(({ op }) => op)).toEqual(["Exp"]);
  const read = nodes[0]!.inputs[0]!;
  expect(read).toEqual({ ...turned, origin: { kind: "weight", source: place } });
  expect(outputs.get("turned")).toBe(read);
});
