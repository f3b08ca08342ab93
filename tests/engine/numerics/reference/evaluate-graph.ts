import type { Graph } from "../../../../engine/graph/graph.ts";
import type { Attributes, OpType } from "../../../../engine/graph/operators.ts";
import { sameShape, showShape, type Value } from "../../../../engine/graph/value.ts";
import { channelsLast } from "./channels-last.ts";
import { elementwise } from "./elementwise.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { quantization } from "./quantization.ts";
import { reductions } from "./reductions.ts";
import { shaping } from "./shaping.ts";
import { roundToHalf } from "./special-functions.ts";
import type { ReferenceRule, ReferenceRules } from "./table.ts";
import { type Tensor64, tensor64 } from "./tensor64.ts";

/** The definition of every operator in float64. */
const referenceRules: ReferenceRules = {
  ...channelsLast,
  ...elementwise,
  ...linearAlgebra,
  ...quantization,
  ...reductions,
  ...shaping,
};

/** Elements of a graph's inputs by name; numbers of any kind. */
type Feeds = Readonly<Record<string, ArrayLike<number>>>;

/**
 * Runs a graph node by node in float64 and checks the shape of every result. Values that the graph holds in
 * half precision are rounded to it.
 *
 * @param readWeight elements of a weight; needed only where the graph reads a checkpoint
 * @returns the graph's outputs by name
 */
export function evaluateGraph(
  graph: Graph,
  feeds: Feeds,
  readWeight?: (weight: Value) => ArrayLike<number>,
): Record<string, Tensor64> {
  const known = new Map<Value, Tensor64>();
  const read = (value: Value): Tensor64 => {
    const tensor = known.get(value) ?? source(value, feeds, readWeight);
    known.set(value, tensor);
    return tensor;
  };
  for (const node of graph.nodes) {
    const rule = referenceRules[node.op] as ReferenceRule<OpType>;
    const results = rule(node.inputs.map(read), node.attributes as Attributes<never>);
    for (const [index, output] of node.outputs.entries()) {
      const result = results[index];
      if (!result || !sameShape(result.shape, output.shape))
        throw new Error(
          `reference: ${node.op} ${output.name} came as ${showShape(result?.shape ?? [])}, the graph says ${showShape(output.shape)}`,
        );
      known.set(output, inType(output, result));
    }
  }
  return Object.fromEntries([...graph.outputs].map(([name, value]) => [name, read(value)]));
}

function source(
  value: Value,
  feeds: Feeds,
  readWeight: ((weight: Value) => ArrayLike<number>) | undefined,
): Tensor64 {
  const { origin, name, shape } = value;
  if (origin.kind === "constant") return inType(value, tensor64(shape, Array.from(origin.data, Number)));
  const data = origin.kind === "weight" ? readWeight?.(value) : feeds[name];
  if (!data) throw new Error(`reference: nothing is known about ${origin.kind} ${name}`);
  return tensor64(shape, data);
}

function inType({ dtype }: Value, tensor: Tensor64): Tensor64 {
  return dtype === "float16" ? { shape: tensor.shape, data: tensor.data.map(roundToHalf) } : tensor;
}
