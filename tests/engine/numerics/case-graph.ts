import { gradient } from "../../../engine/autodiff/gradient.ts";
import { vjpRules } from "../../../engine/autodiff/vjp-rules.ts";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { OpType } from "../../../engine/graph/operators.ts";
import { elementCount, type FloatType, type Shape, type Value } from "../../../engine/graph/value.ts";
import { elementsOf } from "./input-specs.ts";
import { type OperatorCase, operatorCases } from "./operator-cases.ts";
import { randomArray, seedOf } from "./seeded-random.ts";

/** A case with its numbers: graph inputs x0, x1 …, outputs y0, y1 …, and ∂loss/∂xᵢ as dx0, dx1 … */
export interface PreparedCase {
  readonly op: OpType;
  readonly title: string;
  readonly operatorCase: OperatorCase;
  readonly feeds: Readonly<Record<string, Float32Array | BigInt64Array>>;
  /**
   * Fixed weights of the loss Σ y·cotangent over the first output; multiples of 2⁻⁶, exact in half precision
   * too.
   */
  readonly cotangent: Float32Array;
  readonly outputShape: Shape;
  /** Names of the inputs that have a derivative; none where the operator's is zero. */
  readonly differentiable: readonly string[];
}

/** Every case of every operator, in the table's order. */
export const preparedCases: readonly PreparedCase[] = (
  Object.entries(operatorCases) as [OpType, readonly OperatorCase[]][]
).flatMap(([op, cases]) => cases.map((operatorCase) => prepare(op, operatorCase)));

function prepare(op: OpType, operatorCase: OperatorCase): PreparedCase {
  const title = `${op}: ${operatorCase.name}`;
  const { inputs } = operatorCase;
  const graph = new GraphBuilder("shape");
  const outputShape = apply(graph, op, operatorCase)[0]!.shape;
  const named = inputs.map((spec, index) => [`x${index}`, elementsOf(spec, seedOf(title) + index)] as const);
  return {
    op,
    title,
    operatorCase,
    feeds: Object.fromEntries(named),
    cotangent: randomArray(elementCount(outputShape), seedOf(`${title} cotangent`)).map(
      (x) => Math.round(x * 64) / 64,
    ),
    outputShape,
    differentiable:
      typeof vjpRules[op] === "string"
        ? []
        : inputs.flatMap((spec, index) => (spec.kind === "ids" ? [] : [`x${index}`])),
  };
}

/**
 * x0 … → y0 …, every output of the operator, as float32. With a type, the operator is given its numbers in
 * that type.
 */
export function forwardGraph({ op, operatorCase }: PreparedCase, dtype?: FloatType): Graph {
  const graph = new GraphBuilder("forward");
  for (const [index, y] of apply(graph, op, operatorCase, dtype).entries())
    graph.output(`y${index}`, graph.cast(y, "float32"));
  return graph.build();
}

/** x0 … → loss = Σ y0·cotangent and its derivatives dx0 … by `gradient()`. */
export function gradientGraph(
  { op, operatorCase, cotangent, differentiable }: PreparedCase,
  dtype?: FloatType,
): Graph {
  const graph = new GraphBuilder("gradient");
  const y = graph.cast(apply(graph, op, operatorCase, dtype)[0]!, "float32");
  const weighted = graph.mul(y, graph.constant(cotangent, y.shape));
  const loss = y.shape.length
    ? graph.reduceSum(
        weighted,
        y.shape.map((_, axis) => axis),
      )
    : weighted;
  const wrt = graph.inputs.filter(({ name }) => differentiable.includes(name));
  const gradients = gradient(graph, graph.reshape(loss, []), wrt);
  for (const [index, x] of wrt.entries()) graph.output(`d${x.name}`, gradients[index]!);
  return graph.build();
}

function apply(
  graph: GraphBuilder,
  op: OpType,
  { inputs, attributes }: OperatorCase,
  dtype?: FloatType,
): readonly Value[] {
  const operands = inputs.flatMap((spec, index) => {
    if (spec.kind === "ids") return graph.input(`x${index}`, "int64", spec.shape);
    const x = graph.input(`x${index}`, "float32", spec.shape);
    return spec.quantized ? graph.quantizeWeight(x) : graph.cast(x, dtype ?? spec.dtype);
  });
  return graph.node(op, operands as never, attributes as never);
}
