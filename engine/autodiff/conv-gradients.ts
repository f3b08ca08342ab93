import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Attributes, ConvAttributes } from "../graph/operators.ts";
import type { Value } from "../graph/value.ts";

/**
 * ∂loss/∂x of y = Conv(x, w).
 *
 * With stride 1 this is a convolution of dy with the weight rotated by 180° and its channel axes swapped.
 * onnxruntime runs convolutions fastest, and it folds the rotated weight when it loads the graph. With a
 * larger stride it is a transposed convolution.
 *
 * @param x [N, C, H, W] @param w [M, C, kH, kW] @param dy [N, M, H', W'] @returns [N, C, H, W]
 */
export function convInputGradient(
  graph: GraphBuilder,
  x: Value,
  w: Value,
  attributes: ConvAttributes,
  dy: Value,
): Value {
  const { stride, dilation, pads } = attributes;
  const [, , kernelHeight, kernelWidth] = w.shape as readonly [number, number, number, number];
  const [, , height, width] = x.shape as readonly [number, number, number, number];
  if (stride === 1) {
    const reach = [dilation * (kernelHeight - 1), dilation * (kernelWidth - 1)] as const;
    const [top, left, bottom, right] = pads;
    const flipped: ConvAttributes["pads"] = [
      reach[0] - top,
      reach[1] - left,
      reach[0] - bottom,
      reach[1] - right,
    ];
    // Padding beyond the kernel's reach leaves rows of dy that no input affects; the transposed form crops
    // them.
    if (flipped.every((pad) => pad >= 0))
      return graph.conv(dy, rotateWeight(graph, w), undefined, { stride: 1, dilation, pads: flipped });
  }
  const [, , rows, columns] = dy.shape as readonly [number, number, number, number];
  const covered = (count: number, kernel: number, padding: number) =>
    (count - 1) * stride + dilation * (kernel - 1) + 1 - padding;
  const outputPadding = [
    height - covered(rows, kernelHeight, pads[0] + pads[2]),
    width - covered(columns, kernelWidth, pads[1] + pads[3]),
  ] as const;
  return graph.convTranspose(dy, w, { ...attributes, outputPadding });
}

/** w[m, c, i, j] → w[c, m, kH−1−i, kW−1−j]. A 1 × 1 kernel is not rotated. */
function rotateWeight(graph: GraphBuilder, w: Value): Value {
  const swapped = graph.transpose(w, [1, 0, 2, 3]);
  const rows = w.shape[2] === 1 ? swapped : graph.reverse(swapped, 2);
  return w.shape[3] === 1 ? rows : graph.reverse(rows, 3);
}

/**
 * ∂loss/∂w of y = Conv(x, w): a convolution with the channels as the batch and dy, dilated by the forward
 * stride, as the kernel.
 *
 * @param x [N, C, H, W] @param w [M, C, kH, kW] @param dy [N, M, H', W'] @returns [M, C, kH, kW]
 */
export function convWeightGradient(
  graph: GraphBuilder,
  x: Value,
  w: Value,
  { stride, dilation, pads }: ConvAttributes,
  dy: Value,
): Value {
  const images = graph.transpose(x, [1, 0, 2, 3]);
  const kernels = graph.transpose(dy, [1, 0, 2, 3]);
  const product = graph.conv(images, kernels, undefined, { stride: dilation, dilation: stride, pads });
  const rows = graph.slice(product, 2, 0, w.shape[2]!);
  return graph.transpose(graph.slice(rows, 3, 0, w.shape[3]!), [1, 0, 2, 3]);
}

/**
 * ∂loss/∂w of y = ConvTranspose(x, w): Conv's weight gradient with the roles of input and cotangent swapped.
 */
export function convTransposeWeightGradient(
  graph: GraphBuilder,
  x: Value,
  w: Value,
  attributes: Attributes<"ConvTranspose">,
  dy: Value,
): Value {
  return convWeightGradient(graph, dy, w, attributes, x);
}
