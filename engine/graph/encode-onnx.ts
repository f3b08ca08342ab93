import { relative } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { InternalError } from "../errors.ts";
import { lowered, type OnnxAttribute, type OnnxOperand, onnxForms } from "./encode-operators.ts";
import { encodeQuantized, type OnnxWriter } from "./encode-quantized.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { narrowToFloat16 } from "./half-precision.ts";
import type { Attributes, OpType } from "./operators.ts";
import { type ConstantData, type DType, elementCount, type Shape, type Value } from "./value.ts";

/** ONNX IR version and operator set, and the element type codes of `onnx.proto`. */
const irVersion = 10;
const opset = 21;
const elementCodes: { readonly [D in DType]: number } = {
  float32: 1,
  int64: 7,
  int8: 3,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

/**
 * Encodes a graph as an ONNX `ModelProto`. Weights are external data: path relative to `root`, offset and
 * length. Their bytes are not copied.
 *
 * @param root the folder to which paths of weight files are relative
 */
export function encodeOnnx(graph: Graph, root: string): Uint8Array<ArrayBuffer> {
  return new OnnxEncoder(root).model(graph);
}

/** Path of a weight file in the encoded model. */
export function externalName(file: string, root: string): string {
  return relative(root, file).replaceAll("\\", "/");
}

type Fill = (writer: BinaryWriter) => void;

class OnnxEncoder {
  readonly #root: string;
  readonly #initializers = new Map<string, Fill>();
  readonly #nodes: Fill[] = [];
  /** Values whose shapes onnxruntime cannot infer. */
  readonly #described: Value[] = [];
  readonly #writer: OnnxWriter = {
    emit: (...node) => this.#emit(...node),
    float: (value) => this.#floats([value], []),
    int64: (...values) => this.#int64s(values),
  };
  #made = 0;

  constructor(root: string) {
    this.#root = root;
  }

  model(graph: Graph): Uint8Array<ArrayBuffer> {
    for (const node of graph.nodes) this.#node(node);
    for (const [name, value] of graph.outputs) this.#emit("Identity", [this.#use(value)], [name]);
    const writer = new BinaryWriter();
    writer.tag(1, WireType.Varint).int64(irVersion);
    message(writer, 7, (g) => {
      for (const node of this.#nodes) message(g, 1, node);
      text(g, 2, graph.name);
      for (const tensor of this.#initializers.values()) message(g, 5, tensor);
      for (const input of graph.inputs) message(g, 11, valueInfo(input.name, input));
      for (const [name, value] of graph.outputs) message(g, 12, valueInfo(name, value));
      for (const value of this.#described) message(g, 13, valueInfo(value.name, value));
    });
    for (const [domain, version] of [
      ["", opset],
      ["com.microsoft", 1],
    ] as const)
      message(writer, 8, (m) => {
        text(m, 1, domain);
        m.tag(2, WireType.Varint).int64(version);
      });
    return writer.finish() as Uint8Array<ArrayBuffer>;
  }

  #node(node: GraphNode): void {
    const inputs = node.inputs.map((input) => this.#use(input));
    const outputs = node.outputs.map((output) => output.name);
    // The table is typed per operator; a node's operator selects the matching entry.
    const form = (
      onnxForms[node.op] as (attributes: Attributes<OpType>) => ReturnType<(typeof onnxForms)[OpType]>
    )(node.attributes);
    if (form === lowered) {
      if (node.op === "After") this.#after(node as GraphNode<"After">, inputs[0]!, inputs[1]!);
      else if (node.op === "InRange") this.#inRange(node as GraphNode<"InRange">, inputs[0]!, outputs[0]!);
      else encodeQuantized(node, inputs, this.#writer);
      return;
    }
    const operands = (form.operands ?? []).map((operand) => this.#operand(operand, node));
    const ordered = form.order?.map((position) => (position === "absent" ? "" : (inputs[position] ?? "")));
    this.#emit(form.type, [...(ordered ?? inputs), ...operands], outputs, form.attributes, form.domain);
  }

  /** (x ≥ min) ∧ (x ≤ max) as 0 or 1. The bounds are float32, so half precision is compared as float32. */
  #inRange({ attributes: { min, max }, inputs }: GraphNode<"InRange">, x: string, y: string): void {
    const { dtype } = inputs[0]!;
    const compared = dtype === "float32" ? x : `${y}/wide`;
    if (dtype !== "float32") this.#emit("Cast", [x], [compared], { to: elementCodes.float32 });
    this.#emit("GreaterOrEqual", [compared, this.#floats([min], [])], [`${y}/above`]);
    this.#emit("LessOrEqual", [compared, this.#floats([max], [])], [`${y}/below`]);
    this.#emit("And", [`${y}/above`, `${y}/below`], [`${y}/inside`]);
    this.#emit("Cast", [`${y}/inside`], [y], { to: elementCodes[dtype] });
  }

  /**
   * Reshapes x to its own shape, expressed as (shape + n) − n with n the element count of the signal. Nothing
   * is copied, and the node cannot run before the signal exists. n is read at run time, because onnxruntime
   * folds Shape but not Size.
   */
  #after({ outputs, inputs }: GraphNode<"After">, x: string, awaited: string): void {
    const [value, signal] = [outputs[0]!, inputs[1]!];
    const y = value.name;
    const count = elementCount(signal.shape);
    const shape = BigInt64Array.from(value.shape, (size) => BigInt(size + count));
    const sum = this.#tensor(`operand_${this.#made++}`, "int64", [shape.length], shape);
    this.#emit("Size", [awaited], [`${y}/count`]);
    this.#emit("Sub", [sum, `${y}/count`], [`${y}/shape`]);
    this.#emit("Reshape", [x, `${y}/shape`], [y]);
    this.#described.push(value);
  }

  #emit(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain = "",
  ): void {
    this.#nodes.push((writer) => {
      for (const input of inputs) text(writer, 1, input);
      for (const output of outputs) text(writer, 2, output);
      text(writer, 3, outputs[0]!);
      text(writer, 4, type);
      for (const [name, value] of Object.entries(attributes)) message(writer, 5, attribute(name, value));
      if (domain) text(writer, 7, domain);
    });
  }

  #operand(operand: OnnxOperand, node: GraphNode): string {
    if (operand === "absent") return "";
    const { dtype, shape } = node.inputs[0]!;
    if (operand === "ones") {
      const width = shape.at(-1)!;
      return this.#floats(
        new Array<number>(width).fill(1),
        [width],
        dtype,
        dtype === "float32" ? `ones_${width}` : `ones_${width}_${dtype}`,
      );
    }
    if ("float" in operand) return this.#floats([operand.float], [], dtype);
    if ("scales" in operand) return this.#floats(operand.scales, [operand.scales.length]);
    return this.#int64s(operand.int64);
  }

  #int64s(values: readonly number[]): string {
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    return this.#tensor(`operand_${this.#made++}`, "int64", [data.length], data);
  }

  #floats(
    values: readonly number[],
    shape: Shape,
    dtype: DType = "float32",
    name = `operand_${this.#made++}`,
  ): string {
    return this.#tensor(name, dtype, shape, Float32Array.from(values));
  }

  #use(value: Value): string {
    if (value.origin.kind === "constant")
      this.#tensor(value.name, value.dtype, value.shape, value.origin.data);
    else if (value.origin.kind === "weight") {
      const { file, byteOffset, byteLength } = value.origin.source;
      this.#initializers.set(value.name, (writer) => {
        tensorHead(writer, value.name, value.dtype, value.shape);
        const entries = { location: externalName(file, this.#root), offset: byteOffset, length: byteLength };
        for (const [key, entry] of Object.entries(entries))
          message(writer, 13, (m) => {
            text(m, 1, key);
            text(m, 2, String(entry));
          });
        writer.tag(14, WireType.Varint).int32(1);
      });
    }
    return value.name;
  }

  #tensor(name: string, dtype: DType, shape: Shape, data: ConstantData): string {
    const stored = dtype === "float16" && data instanceof Float32Array ? halves(data) : data;
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    this.#initializers.set(name, (writer) => {
      tensorHead(writer, name, dtype, shape);
      writer.tag(9, WireType.LengthDelimited).bytes(bytes);
    });
    return name;
  }
}

function halves(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  narrowToFloat16(values, bits);
  return bits;
}

function tensorHead(writer: BinaryWriter, name: string, dtype: DType, shape: Shape): void {
  for (const dimension of shape) writer.tag(1, WireType.Varint).int64(dimension);
  writer.tag(2, WireType.Varint).int32(elementCodes[dtype]);
  text(writer, 8, name);
}

function valueInfo(name: string, { dtype, shape }: Value): Fill {
  return (writer) => {
    text(writer, 1, name);
    message(writer, 2, (type) =>
      message(type, 1, (tensor) => {
        tensor.tag(1, WireType.Varint).int32(elementCodes[dtype]);
        message(tensor, 2, (dimensions) => {
          for (const size of shape) message(dimensions, 1, (d) => d.tag(1, WireType.Varint).int64(size));
        });
      }),
    );
  };
}

function attribute(name: string, value: OnnxAttribute): Fill {
  return (writer) => {
    text(writer, 1, name);
    if (typeof value === "number") {
      if (!Number.isInteger(value))
        throw new InternalError(`attribute ${name} = ${value} must be written as { float }`);
      writer.tag(3, WireType.Varint).int64(value);
      writer.tag(20, WireType.Varint).int32(2);
    } else if (typeof value === "string") {
      writer.tag(4, WireType.LengthDelimited).string(value);
      writer.tag(20, WireType.Varint).int32(3);
    } else if ("float" in value) {
      writer.tag(2, WireType.Bit32).float(value.float);
      writer.tag(20, WireType.Varint).int32(1);
    } else {
      for (const item of value) writer.tag(8, WireType.Varint).int64(item);
      writer.tag(20, WireType.Varint).int32(7);
    }
  };
}

function message(writer: BinaryWriter, field: number, fill: Fill): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  fill(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}
