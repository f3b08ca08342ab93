import { expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { estimateMemory, residentBytes } from "../../../engine/graph/memory-estimate.ts";

const kilobyte = [16, 16]; // of float32

test("counts the values alive at the peak, views and overwritten operands once", () => {
  const graph = new GraphBuilder("chain");
  const x = graph.input("x", "float32", kilobyte);
  const y = graph.matmul(x, x); // x and y
  const z = graph.reshape(graph.exp(y), [256]); // over y
  const sum = graph.add(z, graph.reshape(graph.transpose(x, [1, 0]), [256])); // x, y, the rotated x
  graph.output("sum", sum); // over z or the rotated x
  expect(estimateMemory(graph.build())).toMatchObject({ weights: 0, folded: 0, activations: 3 * 1024 });
});

test("a value stays alive until its last use", () => {
  const held = new GraphBuilder("held");
  const x = held.input("x", "float32", kilobyte);
  const first = held.tanh(x);
  let y = first;
  for (let i = 0; i < 5; i++) y = held.matmul(y, x);
  held.output("y", held.matmul(y, first)); // x, first, y and the product
  expect(estimateMemory(held.build()).activations).toBe(4 * 1024);
});

test("values computed from weights alone are alive from the start, beside the weights", () => {
  const graph = new GraphBuilder("turned");
  const source = { file: "/w.safetensors", byteOffset: 0, byteLength: 512 };
  const w = graph.cast(graph.weight("w", { dtype: "float16", shape: kilobyte }, source), "float32");
  const x = graph.input("x", "float32", kilobyte);
  graph.output("y", graph.matmul(x, graph.transpose(w, [1, 0])));
  const estimate = estimateMemory(graph.build());
  expect(estimate).toEqual({ weights: 512, read: 0, folded: 1024, activations: 2 * 1024, workspace: 0 });
  expect(residentBytes(estimate)).toBe(512 + 1.25 * 1024 + 2 * 2 * 1024);
  // A GPU stores the weights that it reads: the rotated one, not the file's.
  expect(residentBytes(estimate, "gpu")).toBe(1024 + 2 * 2 * 1024);
});

test("a convolution may be copied into another layout, operands and result", () => {
  const graph = new GraphBuilder("convolution");
  const x = graph.input("x", "float32", [1, 4, 8, 8]);
  const source = { file: "/w.safetensors", byteOffset: 0, byteLength: 4 * 4 * 9 * 4 };
  const w = graph.weight("w", { dtype: "float32", shape: [4, 4, 3, 3] }, source);
  graph.output("y", graph.conv(x, w, undefined, { stride: 1, pads: [1, 1, 1, 1], dilation: 1 }));
  const estimate = estimateMemory(graph.build());
  expect(estimate).toMatchObject({ read: 576, workspace: 1024 + 576 + 1024 });
  expect(residentBytes(estimate, "gpu")).toBe(576 + 2 * (2 * 1024 + 1024 + 576 + 1024));
});
