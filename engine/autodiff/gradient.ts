import { InternalError } from "../errors.ts";
import { broadcastAxes } from "../graph/broadcast.ts";
import type { GraphNode } from "../graph/graph.ts";
import type { GraphBuilder, SegmentKind } from "../graph/graph-builder.ts";
import type { OpType } from "../graph/operators.ts";
import { sameShape, showShape, type Value } from "../graph/value.ts";
import { Recomputation } from "./recompute.ts";
import { type Local, vjpRules } from "./vjp-rules.ts";

/**
 * Appends ∂loss/∂x to the graph for each x of `wrt`: reverse-mode differentiation, graph to graph. The
 * gradients are ordinary nodes, which are printed, rewritten and run like any other.
 *
 * Nodes that are not between `wrt` and `loss` are skipped.
 *
 * @param loss a float32 scalar, shape [] or [1]
 * @param recompute kinds of segments whose inner values are computed again instead of being held
 * @returns one gradient for each of `wrt`, of its shape
 * @throws InternalError if the loss is not a scalar or does not depend on one of `wrt`
 * @example
 * import { gradient } from "visii-engine/autodiff";
 * import { GraphBuilder, optimize, printGraph, Session } from "visii-engine/graph";
 *
 * const graph = new GraphBuilder("sum of squares");
 * const x = graph.input("x", "float32", [3]);
 * const loss = graph.reduceSum(graph.mul(x, x), [0]);
 * const [dx] = gradient(graph, loss, [x]);
 * graph.output("loss", loss);
 * graph.output("dx", dx!);
 * console.log(printGraph(graph.build()));
 * const session = await Session.create(optimize(graph.build()), { device: "cpu", root: "." });
 * console.log(await session.run({ x: Float32Array.of(1, 2, 3) })); // loss 14, dx 2 4 6
 */
export function gradient(
  graph: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  recompute: readonly SegmentKind[] = [],
): Value[] {
  if (loss.shape.some((size) => size !== 1))
    throw new InternalError(`gradient: the loss ${loss.name} is ${showShape(loss.shape)}, not a scalar`);
  return graph.scope("gradient", () => {
    const { path, moved } = nodesBetween(graph.nodes, wrt, loss);
    const recomputation = new Recomputation(graph, recompute);
    const cotangents = new Map<Value, Value>([[loss, graph.constant([1], loss.shape)]]);
    for (const node of path.reverse()) {
      const statistic = node.outputs.slice(1).find((output) => cotangents.has(output));
      if (statistic)
        throw new InternalError(
          `gradient: ${node.op} has no derivative of its statistic ${statistic.name} ${showShape(statistic.shape)}`,
        );
      const dy = cotangents.get(node.outputs[0]!);
      if (!dy) continue;
      const made = contributions(graph, recomputation.seen(node, dy), dy);
      for (const [index, input] of node.inputs.entries()) {
        const cotangent = made[index];
        if (!cotangent || !moved.has(input)) continue;
        const sum = cotangents.get(input);
        cotangents.set(input, sum ? graph.add(sum, cotangent) : cotangent);
      }
    }
    return wrt.map((x) => {
      const dx = cotangents.get(x);
      if (!dx) throw new InternalError(`gradient: ${loss.name} does not depend on ${x.name}`);
      return dx;
    });
  });
}

/**
 * The nodes through which a change of `wrt` reaches `loss`, in graph order, and every value that it moves.
 */
function nodesBetween(
  nodes: readonly GraphNode[],
  wrt: readonly Value[],
  loss: Value,
): { path: GraphNode[]; moved: ReadonlySet<Value> } {
  const moved = new Set<Value>(wrt);
  const forward = nodes.filter((node) => {
    const depends = node.inputs.some((input) => moved.has(input));
    if (depends) for (const output of node.outputs) moved.add(output);
    return depends;
  });
  const needed = new Set<Value>([loss]);
  const path = forward
    .reverse()
    .filter((node) => {
      const leads = node.outputs.some((output) => needed.has(output));
      if (leads) for (const input of node.inputs) if (moved.has(input)) needed.add(input);
      return leads;
    })
    .reverse();
  return { path, moved };
}

/** A cotangent for each input, of its shape; none where it has no gradient. */
function contributions(graph: GraphBuilder, node: GraphNode, dy: Value): (Value | null)[] {
  const rule = vjpRules[node.op];
  if (rule === "zero gradient") return [];
  if (rule === "none")
    throw new InternalError(`gradient: ${node.op} is not differentiated; rewrite the graph of the result`);
  const local = { graph, ...node, y: node.outputs[0]!, dy } as Local<OpType>;
  // The table is typed per operator; a node's own operator selects the matching rule.
  const made = (rule as (local: Local<OpType>) => readonly (Value | null)[])(local as never);
  return node.inputs.map((input, index) => {
    const cotangent = made[index];
    return cotangent ? sumToShape(graph, cotangent, input) : null;
  });
}

/** Undoes broadcasting: sums a cotangent over the axes along which its input was repeated. */
function sumToShape(graph: GraphBuilder, cotangent: Value, input: Value): Value {
  if (sameShape(cotangent.shape, input.shape)) return cotangent;
  const axes = broadcastAxes(input.shape, cotangent.shape);
  const summed = axes.length ? sumOver(graph, cotangent, axes) : cotangent;
  return sameShape(summed.shape, input.shape) ? summed : graph.reshape(summed, input.shape);
}

/** In float32: half precision would lose small terms beside a large sum. */
function sumOver(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  const sum = graph.reduceSum(graph.cast(x, "float32"), axes);
  return x.dtype === "float16" ? graph.cast(sum, "float16") : sum;
}
