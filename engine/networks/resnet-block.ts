import type { Value } from "../graph/value.ts";
import { type Activation, activate, conv2d, groupNorm, linear, type Modulation } from "./layers.ts";
import type { Module } from "./module.ts";

export interface ResnetOptions {
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: Activation;
  /**
   * How the time embedding is applied: added to the hidden state, or as scale and shift after the second
   * norm.
   */
  readonly timeScaleShift: "default" | "scale_shift";
  readonly outputScale: number;
}

/**
 * diffusers `ResnetBlock2D`.
 *
 * @param x [N, C, H, W]
 * @param time the time embedding [N, T], absent in autoencoders
 * @returns [N, outChannels, H, W]
 */
export function resnetBlock(
  m: Module,
  x: Value,
  time: Value | undefined,
  outChannels: number,
  options: ResnetOptions,
): Value {
  return m.graph.segment("block", () => block(m, x, time, outChannels, options));
}

function block(
  m: Module,
  x: Value,
  time: Value | undefined,
  outChannels: number,
  { groups, epsilon, activation, timeScaleShift, outputScale }: ResnetOptions,
): Value {
  const { graph } = m;
  const batch = x.shape[0]!;
  const image = { kernel: 3, padding: 1 };
  const act = (value: Value) => activate(m, value, activation);

  let hidden = conv2d(m.in("conv1"), act(groupNorm(m.in("norm1"), x, groups, epsilon)), outChannels, image);
  if (time && timeScaleShift === "default") {
    const bias = linear(m.in("time_emb_proj"), act(time), outChannels);
    hidden = graph.add(hidden, graph.reshape(bias, [batch, outChannels, 1, 1]));
  }
  const modulation =
    time && timeScaleShift === "scale_shift" ? scaleAndShift(m, act(time), outChannels) : undefined;
  hidden = groupNorm(m.in("norm2"), hidden, groups, epsilon, modulation);
  hidden = conv2d(m.in("conv2"), act(hidden), outChannels, image);

  const skip = x.shape[1] === outChannels ? x : conv2d(m.in("conv_shortcut"), x, outChannels, { kernel: 1 });
  const sum = graph.add(skip, hidden);
  return outputScale === 1 ? sum : graph.div(sum, outputScale);
}

/** 1 + scale and shift, each [N, C, 1, 1], from the activated time embedding. */
function scaleAndShift(m: Module, time: Value, channels: number): Modulation {
  const { graph } = m;
  const both = linear(m.in("time_emb_proj"), time, 2 * channels);
  const part = (from: number) =>
    graph.reshape(graph.slice(both, 1, from, from + channels), [time.shape[0]!, channels, 1, 1]);
  return { scale: graph.add(part(0), 1), shift: part(channels) };
}
