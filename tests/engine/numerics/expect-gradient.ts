import { expect } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { elementCount, type Shape, type Value } from "../../../engine/graph/value.ts";
import { centralDifference } from "./central-difference.ts";
import { deviation } from "./closeness.ts";
import { evaluateGraph } from "./reference/evaluate-graph.ts";
import { runOnCpu } from "./run-on-cpu.ts";
import { randomArray, seedOf } from "./seeded-random.ts";

type Shapes = Readonly<Record<string, Shape>>;
type Function<Named extends Shapes> = (
  graph: GraphBuilder,
  inputs: { [Name in keyof Named]: Value },
) => Value;

/**
 * Tolerance of central differences of a composition. Third derivatives add up, so it is larger than for one
 * rule.
 */
const composedDifferenceTolerance = 2e-6;
/** onnxruntime in float32 through some tens of operators. */
const composedFloat32Tolerance = 1e-5;

/** A loss Σ y·cotangent over a function's result, with the gradient of every input as `d<name>`. */
export function lossAndGradients<Named extends Shapes>(shapes: Named, f: Function<Named>): Graph {
  const graph = new GraphBuilder("composed");
  const inputs = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, graph.input(name, "float32", shape)]),
  ) as { [Name in keyof Named]: Value };
  const y = f(graph, inputs);
  const cotangent = graph.constant(randomArray(elementCount(y.shape), seedOf("cotangent")), y.shape);
  const axes = y.shape.map((_, axis) => axis);
  const loss = graph.reshape(graph.reduceSum(graph.mul(y, cotangent), axes), []);
  graph.output("loss", loss);
  const gradients = gradient(graph, loss, graph.inputs);
  for (const [index, x] of graph.inputs.entries()) graph.output(`d${x.name}`, gradients[index]!);
  return graph.build();
}

/** Seeded numbers for every input of a graph. */
export function feedsOf(graph: Graph): Record<string, Float32Array> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, randomArray(elementCount(shape), seedOf(name), -1, 1)]),
  );
}

/** Compares the gradient of a composed function with differences (float64) and onnxruntime (float32). */
export async function expectGradient<Named extends Shapes>(shapes: Named, f: Function<Named>): Promise<void> {
  const graph = lossAndGradients(shapes, f);
  const feeds = feedsOf(graph);
  const expected = evaluateGraph(graph, feeds);
  const actual = await runOnCpu(graph, feeds);
  for (const name of Object.keys(shapes)) {
    const loss = (x: Float64Array) => evaluateGraph(graph, { ...feeds, [name]: x }).loss!.data[0]!;
    const derivative = expected[`d${name}`]!.data;
    expect(
      deviation(derivative, centralDifference(loss, feeds[name]!)),
      `d${name} by differences`,
    ).toBeLessThan(composedDifferenceTolerance);
    expect(deviation(actual[`d${name}`]!, derivative), `d${name} in float32`).toBeLessThan(
      composedFloat32Tolerance,
    );
  }
}
