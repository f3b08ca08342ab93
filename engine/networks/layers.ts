import { VisibleError } from "../errors.ts";
import type { Value } from "../graph/value.ts";
import type { Module } from "./module.ts";

/**
 * y = x·Wᵀ (+ b) over the last axis. x [.., in] → [.., out]. Without a bias in the checkpoint, none is added.
 */
export function linear(m: Module, x: Value, outFeatures: number): Value {
  const weight = m.weight("weight", [outFeatures, x.shape.at(-1)!]);
  const product = m.graph.matmul(x, weight, { transB: true });
  return m.has("bias") ? m.graph.add(product, m.weight("bias", [outFeatures])) : product;
}

interface Conv2dOptions {
  readonly kernel: number;
  readonly stride?: number;
  /** Zero padding: one number for all sides, or [top, left, bottom, right]. */
  readonly padding?: number | readonly [number, number, number, number];
}

/** x [N, C, H, W] → [N, outChannels, H', W']. */
export function conv2d(m: Module, x: Value, outChannels: number, options: Conv2dOptions): Value {
  const { kernel, stride = 1, padding = 0 } = options;
  const weight = m.weight("weight", [outChannels, x.shape[1]!, kernel, kernel]);
  const bias = m.has("bias") ? m.weight("bias", [outChannels]) : undefined;
  const pads = typeof padding === "number" ? ([padding, padding, padding, padding] as const) : padding;
  return m.graph.conv(x, weight, bias, { stride, pads, dilation: 1 });
}

/**
 * x + conv2(silu(conv1(x))) with 3×3 convolutions of x's width: a residual block without normalization. [N,
 * C, H, W] → same shape.
 */
export function plainResidual(m: Module, x: Value): Value {
  const same = { kernel: 3, padding: 1 };
  const channels = x.shape[1]!;
  const inner = activate(m, conv2d(m.in("conv1"), x, channels, same), "silu");
  return m.graph.add(x, conv2d(m.in("conv2"), inner, channels, same));
}

/** Over the last axis, with scale and bias. */
export function layerNorm(m: Module, x: Value, epsilon: number): Value {
  const width = x.shape.at(-1)!;
  const normalized = m.graph.layerNormalization(x, epsilon);
  return m.graph.add(m.graph.mul(normalized, m.weight("weight", [width])), m.weight("bias", [width]));
}

/** An additional scale and shift per channel, [N, C, 1, 1] each: y·scale + shift. */
export interface Modulation {
  readonly scale: Value;
  readonly shift: Value;
}

/**
 * Group normalization: x [N, C, H, W], each group of C/groups channels normalized over channels and space,
 * then scaled by channel. Written as a LayerNormalization over the flattened group, which onnxruntime runs
 * fastest and whose statistics the backward pass reuses. A modulation is combined with the small scales
 * first, so that it costs no pass over the image.
 *
 * @throws VisibleError `unsupported_config` if the groups are not of equal size
 */
export function groupNorm(
  m: Module,
  x: Value,
  groups: number,
  epsilon: number,
  modulation?: Modulation,
): Value {
  const { graph } = m;
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  if (c % groups !== 0)
    throw new VisibleError(
      "unsupported_config",
      `${m.path} has ${c} channels, which norm_num_groups ${groups} does not divide; check config.json.`,
    );
  const grouped = graph.reshape(x, [n, groups, (c / groups) * h * w]);
  const normalized = graph.reshape(graph.layerNormalization(grouped, epsilon), x.shape);
  const byChannel = (name: string) => graph.reshape(m.weight(name, [c]), [c, 1, 1]);
  const [scale, shift] = [byChannel("weight"), byChannel("bias")];
  if (!modulation) return graph.add(graph.mul(normalized, scale), shift);
  const joined = graph.add(graph.mul(modulation.scale, shift), modulation.shift);
  return graph.add(graph.mul(normalized, graph.mul(modulation.scale, scale)), joined);
}

export type Activation = "silu" | "swish" | "gelu" | "quick_gelu" | "relu";

/** Elementwise activation, by its name in configs. */
export function activate(m: Module, x: Value, name: Activation): Value {
  return activations[name](m, x);
}

const activations: { readonly [A in Activation]: (m: Module, x: Value) => Value } = {
  silu: (m, x) => m.graph.quickGelu(x, 1),
  swish: (m, x) => m.graph.quickGelu(x, 1),
  gelu: (m, x) => m.graph.gelu(x),
  quick_gelu: (m, x) => m.graph.quickGelu(x, 1.702),
  relu: (m, x) => m.graph.relu(x),
};
