import { expect, it } from "vitest";
import { GraphBuilder } from "../../gpu-worker/graph/graph-builder.ts";
import { peakActivationBytes, workOf } from "../../gpu-worker/graph/graph-work.ts";

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

it("finds the moment at which most is alive", () => {
  const graph = new GraphBuilder("peak");
  const x = graph.input("x", "float32", [100]);
  const a = graph.exp(x);
  const b = graph.sin(a);
  const c = graph.cos(a);
  const sum = graph.add(b, c);
  graph.output("y", graph.reduceSum(graph.relu(sum), [0]));
  // a, b and c are there together when c is made; b, c and their sum after that.
  expect(peakActivationBytes(graph.build())).toBe(3 * 400);
});

it("takes a view for what it looks at, and keeps a late user's value", () => {
  const graph = new GraphBuilder("views");
  const x = graph.input("x", "float32", [10, 10]);
  const a = graph.exp(x);
  const view = graph.reshape(a, [100]);
  const b = graph.sin(graph.cos(graph.sin(view)));
  graph.output("y", graph.add(b, graph.reshape(a, [100])));
  // a stays to the end beside two values of the chain.
  expect(peakActivationBytes(graph.build())).toBe(3 * 400);
});
