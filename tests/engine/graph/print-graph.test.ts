import { expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { printGraph } from "../../../engine/graph/print-graph.ts";

test("a graph prints one node per line, with operands, attributes and types", () => {
  const graph = new GraphBuilder("layer");
  const x = graph.input("x", "float32", [2, 8]);
  const source = { file: "/model.safetensors", byteOffset: 8, byteLength: 64 };
  const w = graph.weight("proj.weight", { dtype: "float16", shape: [4, 8] }, source);
  const h = graph.matmul(x, graph.cast(w, "float32"), { transB: true });
  const [y, mean] = graph.node("LayerNormalization", [h], { epsilon: 0.5 });
  graph.output("y", graph.mul(graph.add(y!, graph.constant([1, 2, 3, 4], [4])), 0.25));
  graph.output("mean", mean!);
  expect(printGraph(graph.build())).toMatchInlineSnapshot(`
    "graph layer(x: float32[2, 8]) {
      %0 = Cast(@proj.weight, to="float32") : float32[4, 8]
      %1 = MatMul(x, %0, transA=false, transB=true, alpha=1) : float32[2, 4]
      %2, %3, %4 = LayerNormalization(%1, epsilon=0.5) : float32[2, 4], float32[2, 1], float32[2, 1]
      %5 = Add(%2, const[4]) : float32[2, 4]
      %6 = Mul(%5, 0.25) : float32[2, 4]
      return y = %6
      return mean = %3
    }"
  `);
});

test("IDs print as the table and the index that they read", () => {
  const graph = new GraphBuilder("tokens");
  const table = graph.input("table", "float32", [9, 2]);
  graph.output("rows", graph.gather(table, graph.constantIds([3, 1, 4], [3])));
  expect(printGraph(graph.build())).toMatchInlineSnapshot(`
    "graph tokens(table: float32[9, 2]) {
      %0 = Gather(table, const[3]) : float32[3, 2]
      return rows = %0
    }"
  `);
});
