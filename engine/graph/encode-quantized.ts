import { InternalError } from "../errors.ts";
import type { OnnxAttribute } from "./encode-operators.ts";
import type { GraphNode } from "./graph.ts";
import { minScale, quantizedLevels } from "./quantize-columns.ts";
import type { Value } from "./value.ts";

/** Writes ONNX nodes and the constants that they read. */
export interface OnnxWriter {
  emit(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    domain?: "com.microsoft",
  ): void;
  /** @returns the name of a scalar */
  float(value: number): string;
  /** @returns the name of a vector */
  int64(...values: readonly number[]): string;
}

/** ONNX's code of int8. */
const int8 = 3;

/** @param inputs their names; the node's outputs keep their own */
export function encodeQuantized(node: GraphNode, inputs: readonly string[], writer: OnnxWriter): void {
  if (node.op === "QuantizeWeight") quantizeWeight(node as GraphNode<"QuantizeWeight">, inputs[0]!, writer);
  else if (node.op === "DynamicQuantizeConv")
    dynamicQuantizeConv(node as GraphNode<"DynamicQuantizeConv">, inputs, writer);
  else throw new InternalError(`${node.op} has no ONNX form`);
}

/** Integers and scales of constant weights; onnxruntime computes them once, when it loads the graph. */
function quantizeWeight(node: GraphNode<"QuantizeWeight">, w: string, writer: OnnxWriter): void {
  const [integers, scales] = node.outputs as readonly [Value, Value];
  const [q, s] = [integers.name, scales.name];
  const axes = node.inputs[0]!.shape.slice(0, -1).map((_, axis) => axis);
  writer.emit("Abs", [w], [`${q}/magnitudes`]);
  writer.emit("ReduceMax", [`${q}/magnitudes`, writer.int64(...axes)], [`${q}/largest`], { keepdims: 0 });
  writer.emit("Div", [`${q}/largest`, writer.float(quantizedLevels)], [`${q}/steps`]);
  writer.emit("Max", [`${q}/steps`, writer.float(minScale)], [s]);
  writer.emit("Div", [w, s], [`${q}/scaled`]);
  writer.emit("Round", [`${q}/scaled`], [`${q}/rounded`]);
  writer.emit("Cast", [`${q}/rounded`], [`${q}/cast`], { to: int8 });
  writer.emit("Reshape", [`${q}/cast`, writer.int64(...integers.shape)], [q]);
}

/**
 * A convolution as one product: with the channels last, every pixel's window is a row of kH · kW · C 8-bit
 * integers. onnxruntime's `ConvInteger` is slower than float32, and its `QLinearConv` needs the range of each
 * result in advance.
 */
function dynamicQuantizeConv(
  { outputs, attributes }: GraphNode<"DynamicQuantizeConv">,
  [x, integers, scales, bias = ""]: readonly string[],
  writer: OnnxWriter,
): void {
  const { name: y, shape } = outputs[0]!;
  const { kernel, stride, pads, dilation } = attributes;
  const [rows, columns] = shape.slice(2) as [number, number];
  const [scale, zero] = [`${y}/scale`, `${y}/zero`];
  writer.emit("DynamicQuantizeLinear", [x!], [`${y}/quantized`, scale, zero]);
  writer.emit("Transpose", [`${y}/quantized`], [`${y}/pixels`], { perm: [0, 2, 3, 1] });
  let pixels = `${y}/pixels`;
  const axes = writer.int64(1, 2);
  if (pads.some((pad) => pad > 0)) {
    writer.emit("Pad", [pixels, writer.int64(...pads), zero, axes], [`${y}/padded`]);
    pixels = `${y}/padded`;
  }
  const windows: string[] = [];
  const isWhole = kernel[0] * kernel[1] * stride === 1;
  for (let row = 0; !isWhole && row < kernel[0]; row++)
    for (let column = 0; column < kernel[1]; column++) {
      const [top, left] = [row * dilation, column * dilation];
      const starts = writer.int64(top, left);
      const ends = writer.int64(top + (rows - 1) * stride + 1, left + (columns - 1) * stride + 1);
      const window = `${y}/window_${row}_${column}`;
      writer.emit("Slice", [pixels, starts, ends, axes, writer.int64(stride, stride)], [window]);
      windows.push(window);
    }
  const gathered = windows.length > 1 ? `${y}/windows` : (windows[0] ?? pixels);
  if (windows.length > 1) writer.emit("Concat", windows, [gathered], { axis: 3 });
  const operands = [gathered, integers!, scale, scales!, zero, "", bias];
  writer.emit("MatMulIntegerToFloat", operands, [`${y}/product`], {}, "com.microsoft");
  writer.emit("Transpose", [`${y}/product`], [y], { perm: [0, 3, 1, 2] });
}
