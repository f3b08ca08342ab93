import { foldedValues } from "../graph/folded-values.ts";
import type { Graph, GraphNode } from "../graph/graph.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Inputs, OpType } from "../graph/operators.ts";
import { elementCount, sameShape, type Value } from "../graph/value.ts";
import { type Readers, readElsewhere, readersOf } from "./readers.ts";
import { isNode, type RewriteRule, rewriteRule, type Scene } from "./rewrite-rule.ts";

/** [N, C, H, W] → [N, H, W, C], and back. */
const toLast = [0, 2, 3, 1];
const toFirst = [0, 3, 1, 2];

/**
 * Convolutions and group normalizations in half precision → the CUDA provider's kernels with the channels
 * last, between transpositions, which cancel between neighbors. Sums and concatenations of such results
 * follow them. In float32 the layout is not faster: it suits tensor cores, and TF32 is off there.
 *
 * onnxruntime's option `prefer_nhwc` would transpose convolutions by itself, but onnxruntime-node 1.30 passes
 * the provider nothing except the device (js/node/src/session_options_helper.cc).
 */
export function channelsLast(graph: Graph): readonly RewriteRule[] {
  const folded = foldedValues(graph);
  return [
    convolution((value) => value.origin.kind === "weight" || folded.has(value)),
    groupNormalization(readersOf(graph)),
    elementwise,
    concatenation,
  ];
}

/**
 * The kernel needs a constant weight, [M, kH, kW, C] in this domain
 * (onnxruntime/contrib_ops/cuda/diffusion/nhwc_conv.cc, core/providers/cuda/nn/conv.cc).
 */
const convolution = (isConstant: (value: Value) => boolean) =>
  rewriteRule<GraphNode<"Conv">>({
    name: "convolution with the channels last",
    pattern: (node) => (isNode(node, "Conv") ? node : null),
    check: ({ inputs: [x, w] }) => {
      if (x!.dtype !== "float16") return `${x!.name} is ${x!.dtype}`;
      return isConstant(w!) ? null : `${w!.name} is not constant`;
    },
    rewrite: ({ inputs, attributes }, graph) => {
      const [x, w, b] = inputs as Inputs<"Conv">;
      const [image, weight] = [graph.transpose(x, toLast), graph.transpose(w, toLast)];
      const kernel = [w.shape[2]!, w.shape[3]!] as const;
      const made = graph.nhwcConv(b ? [image, weight, b] : [image, weight], { ...attributes, kernel });
      return graph.transpose(made, toFirst);
    },
  });

interface GroupNormalization {
  readonly x: Value;
  readonly grouped: Value;
  readonly scale: Value;
  readonly shift: Value;
  readonly epsilon: number;
  readonly silu: boolean;
  /** Values that no longer exist afterwards. */
  readonly inner: readonly Value[];
}

/** Maximum channels of a group: those of one block of threads. */
const largestGroup = 512;

/**
 * `groupNorm` of `networks/layers.ts`, and the SiLU after it. The kernel loads two channels at a time and
 * takes no statistics across blocks (onnxruntime/contrib_ops/cuda/diffusion/group_norm.cc,
 * group_norm_impl.cu).
 */
const groupNormalization = (readers: Readers) =>
  rewriteRule<GroupNormalization>({
    name: "group normalization with the channels last",
    pattern: (node, scene) => {
      if (isSilu(node)) {
        const added = node.inputs[0]!;
        const found = bindNormalization(scene.producer(added), scene);
        return found && { ...found, silu: true, inner: [...found.inner, added] };
      }
      const followers = readers(node.outputs[0]!);
      // Rewritten with the SiLU.
      if (followers.length === 1 && followers.every((reader) => reader !== "caller" && isSilu(reader)))
        return null;
      return bindNormalization(node, scene);
    },
    check: ({ x, grouped, scale, shift, inner }) => {
      const [, channels, height, width] = x.shape as readonly [number, number, number, number];
      const [, groups, size] = grouped.shape as readonly [number, number, number];
      if (x.dtype !== "float16") return `${x.name} is ${x.dtype}`;
      if (groups * size !== channels * height * width || channels % groups)
        return `${grouped.name} is not groups of channels`;
      if ([scale, shift].some(({ shape }) => !sameShape(shape, [channels, 1, 1])))
        return `${scale.name} differs between samples`;
      const each = channels / groups;
      if (each % 2 || each > largestGroup) return `CUDA has no kernel for groups of ${each} channels`;
      return readElsewhere(readers, inner);
    },
    rewrite: ({ x, grouped, scale, shift, epsilon, silu }, graph) => {
      const flat = (value: Value) => graph.cast(graph.reshape(value, [x.shape[1]!]), "float32");
      const attributes = { groups: grouped.shape[1]!, epsilon, silu };
      const made = graph.groupNorm(graph.transpose(x, toLast), flat(scale), flat(shift), attributes);
      return graph.transpose(made, toFirst);
    },
  });

/** Reshape → LayerNormalization → Reshape → Mul → Add. */
function bindNormalization(add: GraphNode | undefined, scene: Scene): GroupNormalization | null {
  if (!isNode(add, "Add")) return null;
  const [scaled, shift] = add.inputs as readonly [Value, Value];
  const mul = scene.producer(scaled);
  if (!isNode(mul, "Mul")) return null;
  const [normalized, scale] = mul.inputs as readonly [Value, Value];
  const back = scene.producer(normalized);
  const norm = isNode(back, "Reshape") ? scene.producer(back.inputs[0]!) : undefined;
  if (!isNode(norm, "LayerNormalization")) return null;
  const grouped = norm.inputs[0]!;
  const reshape = scene.producer(grouped);
  const x = isNode(reshape, "Reshape") ? reshape.inputs[0]! : undefined;
  if (x?.shape.length !== 4 || grouped.shape.length !== 3 || !sameShape(normalized.shape, x.shape))
    return null;
  const inner = [grouped, norm.outputs[0]!, normalized, scaled];
  return { x, grouped, scale, shift, epsilon: norm.attributes.epsilon, silu: false, inner };
}

function isSilu(node: GraphNode): boolean {
  return isNode(node, "QuickGelu") && node.attributes.alpha === 1;
}

const followers: ReadonlySet<OpType> = new Set<OpType>(["Add", "Sub", "Mul", "Div", "QuickGelu", "Cast"]);

interface Elementwise {
  readonly node: GraphNode;
  readonly operands: readonly ((graph: GraphBuilder) => Value)[];
}

/**
 * f(transposed a, b) → transposed f(a, b), if b is transposed too or has one element per channel or in all.
 */
const elementwise = rewriteRule<Elementwise>({
  name: "elementwise operator with the channels last",
  pattern: (node, scene) => {
    if (!followers.has(node.op) || node.outputs[0]!.shape.length !== 4) return null;
    const operands = node.inputs.map((value) => operandWithChannelsLast(value, scene));
    const known = operands.filter((operand) => operand !== null);
    return known.length === operands.length && node.inputs.some((value) => beforeTransposition(value, scene))
      ? { node, operands: known }
      : null;
  },
  check: () => null,
  rewrite: ({ node: { op, attributes }, operands }, graph) => {
    const inputs = operands.map((operand) => operand(graph)) as unknown as Inputs<"Add">;
    return graph.transpose(graph.node(op as "Add", inputs, attributes)[0]!, toFirst);
  },
});

/** A concatenation of channels of transposed values → a transposed concatenation. */
const concatenation = rewriteRule<readonly Value[]>({
  name: "concatenation with the channels last",
  pattern: (node, scene) => {
    if (!isNode(node, "Concat") || node.attributes.axis !== 1) return null;
    const parts = node.inputs.map((value) => beforeTransposition(value, scene));
    return parts.every((part) => part !== undefined) ? parts : null;
  },
  check: () => null,
  rewrite: (parts, graph) => graph.transpose(graph.concat(parts, 3), toFirst),
});

function operandWithChannelsLast(value: Value, scene: Scene): Elementwise["operands"][number] | null {
  const before = beforeTransposition(value, scene);
  if (before) return () => before;
  const { shape } = value;
  if (elementCount(shape) === 1) return () => value;
  const [channels, ...space] = shape.slice(-3);
  const isPerChannel = shape.length >= 3 && space.every((size) => size === 1);
  return isPerChannel ? (graph) => graph.reshape(value, [...shape.slice(0, -3), 1, 1, channels!]) : null;
}

/** x, if the value is x with the channels moved first. */
function beforeTransposition(value: Value, scene: Scene): Value | undefined {
  const node = scene.producer(value);
  return isNode(node, "Transpose") && sameShape(node.attributes.permutation, toFirst)
    ? node.inputs[0]
    : undefined;
}
