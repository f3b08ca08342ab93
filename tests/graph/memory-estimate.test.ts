import { expect, test } from "vitest";
import { GraphBuilder } from "../../gpu-worker/graph/graph-builder.ts";
import { estimateMemory, residentBytes } from "../../gpu-worker/graph/memory-estimate.ts";

const kilobyte = [16, 16]; // of float32

test("counts what is alive at the fullest moment, views and overwritten operands once", () => {
  const graph = new GraphBuilder("chain");
  const x = graph.input("x", "float32", kilobyte);
  const y = graph.matmul(x, x); // x and y
  const z = graph.reshape(graph.exp(y), [256]); // over y
  const sum = graph.add(z, graph.reshape(graph.transpose(x, [1, 0]), [256])); // x, y, the turned x
  graph.output("sum", sum); // over z or the turned x
  expect(estimateMemory(graph.build())).toEqual({ weights: 0, folded: 0, activations: 3 * 1024 });
});

test("a value that is read again later is held until then", () => {
  const held = new GraphBuilder("held");
  const x = held.input("x", "float32", kilobyte);
  const first = held.tanh(x);
  let y = first;
  for (let i = 0; i < 5; i++) y = held.matmul(y, x);
  held.output("y", held.matmul(y, first)); // x, first, y and the product
  expect(estimateMemory(held.build()).activations).toBe(4 * 1024);
});

test("what is computed from weights alone is there from the start, beside the weights", () => {
  const graph = new GraphBuilder("turned");
  const source = { file: "/w.safetensors", byteOffset: 0, byteLength: 512 };
  const w = graph.cast(graph.weight("w", { dtype: "float16", shape: kilobyte }, source), "float32");
  const x = graph.input("x", "float32", kilobyte);
  graph.output("y", graph.matmul(x, graph.transpose(w, [1, 0])));
  const estimate = estimateMemory(graph.build());
  expect(estimate).toEqual({ weights: 512, folded: 1024, activations: 2 * 1024 });
  expect(residentBytes(estimate)).toBe(512 + 1.25 * 1024 + 2 * 2 * 1024);
});
