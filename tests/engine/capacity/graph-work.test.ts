import { expect, it } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { workOf } from "../../../engine/graph/graph-work.ts";

it("counts two operations for each multiply and add, and the bytes of everything else", () => {
  const graph = new GraphBuilder("work");
  const x = graph.input("x", "float32", [1, 4, 8, 8]);
  const w = graph.constant(new Float32Array(6 * 4 * 9), [6, 4, 3, 3]);
  const convolved = graph.conv(x, w, undefined, { stride: 2, pads: [1, 1, 1, 1], dilation: 1 });
  const rows = graph.reshape(convolved, [6, 16]);
  const product = graph.matmul(rows, rows, { transB: true });
  graph.output("y", graph.exp(product));
  expect(workOf(graph.build())).toEqual({
    convolution: 2 * (6 * 16) * (4 * 9),
    product: 2 * (6 * 6) * 16,
    traffic: 2 * 4 * 36,
  });
});
