/**
 * ONNX graphs as typed values: built with static shapes, optimized, printed, encoded and run.
 *
 * @example
 * import { GraphBuilder, optimize, Session } from "visii-engine/graph";
 *
 * const graph = new GraphBuilder("square");
 * const x = graph.input("x", "float32", [3]);
 * graph.output("y", graph.mul(x, x));
 * const session = await Session.create(optimize(graph.build()), { device: "cpu", root: "." });
 * console.log((await session.run({ x: Float32Array.of(1, 2, 3) })).y);
 */
export { encodeOnnx } from "../graph/encode-onnx.ts";
export type { Graph, GraphNode } from "../graph/graph.ts";
export { GraphBuilder } from "../graph/graph-builder.ts";
export type { OpType } from "../graph/operators.ts";
export { printGraph } from "../graph/print-graph.ts";
export type { DType, Shape, Value, WeightSource } from "../graph/value.ts";
export { type OptimizedGraph, optimize } from "../rewrite/optimize.ts";
export { type HostTensor, Session, type SessionOptions } from "../runtime/session.ts";
