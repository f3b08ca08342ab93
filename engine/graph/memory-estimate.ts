import { foldedValues } from "./folded-values.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { views } from "./graph-work.ts";
import type { OpType } from "./operators.ts";
import { bytesOf, type Value } from "./value.ts";
import { weightBytes } from "./weights-of.ts";

/** Memory to run a graph, in bytes, estimated from its static shapes. */
export interface MemoryEstimate {
  /** Weights as stored in their files. */
  readonly weights: number;
  /** Weights that are read at run time, not only by folded nodes. */
  readonly read: number;
  /** Values computed from weights alone when the graph is loaded: rotated kernels, casts. */
  readonly folded: number;
  /** Peak of all other values when nodes run in the graph's order. */
  readonly activations: number;
  /** Largest layout copy of one convolution: its operands and its result. */
  readonly workspace: number;
}

/** Estimates the graph as given, so pass the optimized one. */
export function estimateMemory(graph: Graph): MemoryEstimate {
  const folded = foldedValues(graph);
  const live = graph.nodes.filter(({ outputs }) => !folded.has(outputs[0]!));
  const read = new Set(live.flatMap(({ inputs }) => inputs));
  return {
    weights: weightBytes(graph),
    read: weightBytes({ ...graph, nodes: live }),
    folded: [...folded].reduce((sum, value) => sum + (read.has(value) ? bytesOf(value) : 0), 0),
    activations: peakBytes({ ...graph, nodes: live }, folded),
    workspace: Math.max(0, ...live.map(layoutCopies)),
  };
}

/**
 * Overhead of a process on a CPU: onnxruntime's arena grows by doubling and is never quite full, and folding
 * leaves holes. Measured for a step at 512 px: 2.6 GB for 2.3 GB of folded weights, 2.6 GB for 1.4 GB of
 * activations.
 *
 * On a GPU, weights are stored as read, outside the arena. cuDNN allocates its workspace from the arena.
 */
const overhead = { folded: 1.25, activations: 2 } as const;

export function residentBytes(
  { weights, read, folded, activations, workspace }: MemoryEstimate,
  where: "cpu" | "gpu" = "cpu",
): number {
  // Weights that are only read to quantize them are no longer needed when the graph is loaded.
  return where === "cpu"
    ? Math.min(weights, read + folded) + overhead.folded * folded + overhead.activations * activations
    : read + folded + overhead.activations * (activations + workspace);
}

function layoutCopies({ op, inputs, outputs }: GraphNode): number {
  if (op !== "Conv" && op !== "ConvTranspose") return 0;
  return [inputs[0]!, inputs[1]!, outputs[0]!].reduce((sum, value) => sum + bytesOf(value), 0);
}

/**
 * Memory of a kernel while it runs. Fused attention copies its operands to split them into heads. A convolution in
 * 8 bits holds its windows apart and joined, and its result with the channels last.
 */
function scratchBytes({ op, inputs, outputs }: GraphNode): number {
  if (op === "MultiHeadAttention") return inputs.reduce((sum, value) => sum + bytesOf(value), 0);
  if (op !== "DynamicQuantizeConv") return 0;
  const [batch, , height, width] = outputs[0]!.shape as readonly [number, number, number, number];
  return 2 * batch * height * width * inputs[1]!.shape[0]! + bytesOf(outputs[0]!);
}

/** Elementwise operators, which overwrite an operand that is read for the last time. */
const inPlace: ReadonlySet<OpType> = new Set<OpType>([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Neg",
  "Exp",
  "Sqrt",
  "Relu",
  "Softmax",
  "Clip",
]);

function peakBytes({ nodes, inputs, outputs }: Graph, folded: ReadonlySet<Value>): number {
  const buffers = new Map<Value, Value>();
  const bufferOf = (value: Value) => buffers.get(value) ?? value;
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(bufferOf(value), (uses.get(bufferOf(value)) ?? 0) + 1);
  const held = ({ origin }: Value) => origin.kind === "input" || origin.kind === "node";
  for (const {
    op,
    inputs: [x],
    outputs: [y],
  } of nodes)
    if (views.has(op)) buffers.set(y!, bufferOf(x!));
  for (const { inputs: read } of nodes) for (const value of read) use(value);
  for (const value of [...inputs, ...outputs.values()]) use(value);

  let bytes = inputs.reduce((sum, value) => sum + bytesOf(value), 0);
  let peak = bytes;
  for (const node of nodes) {
    const made = views.has(node.op) ? [] : node.outputs;
    const reused = inPlace.has(node.op) ? overwritten(node) : 0;
    bytes += made.reduce((sum, value) => sum + bytesOf(value), 0);
    peak = Math.max(peak, bytes - reused + scratchBytes(node));
    for (const value of node.inputs) release(value);
    for (const value of made) if (!uses.has(value)) bytes -= bytesOf(value);
  }
  return peak;

  function release(value: Value): void {
    const buffer = bufferOf(value);
    const left = uses.get(buffer)! - 1;
    uses.set(buffer, left);
    if (left === 0 && held(buffer) && !folded.has(buffer)) bytes -= bytesOf(buffer);
  }

  function overwritten({ inputs: read, outputs: [y] }: GraphNode): number {
    const last = read.find((value) => {
      const buffer = bufferOf(value);
      return uses.get(buffer) === 1 && held(buffer) && !folded.has(buffer) && bytesOf(buffer) === bytesOf(y!);
    });
    return last ? bytesOf(y!) : 0;
  }
}
