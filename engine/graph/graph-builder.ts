import { InternalError } from "../errors.ts";
import type { Graph, GraphNode } from "./graph.ts";
import type { Attributes, ConvAttributes, Inputs, OpType } from "./operators.ts";
import { shapeRules, type TensorType } from "./shape-rules.ts";
import type { DType, FloatType, Shape, Value, WeightSource } from "./value.ts";

/**
 * `attention`: scores, weights and weighted sum of some queries. `block`: a residual or transformer block.
 */
export type SegmentKind = "attention" | "block";

export interface Segment {
  readonly kind: SegmentKind;
  readonly nodes: readonly GraphNode[];
}

/**
 * Builds a graph node by node. Every call checks types and computes static shapes, so a mistake throws at the
 * call that causes it. There is one method per operator, named as in `operators.ts`. A plain number becomes a
 * scalar of the other operand's type.
 */
export class GraphBuilder {
  readonly name: string;
  readonly inputs: Value[] = [];
  readonly nodes: GraphNode[] = [];
  readonly outputs = new Map<string, Value>();
  /** Marked ranges of `nodes`, in the order in which they end. They are nested or disjoint. */
  readonly segments: Segment[] = [];
  readonly #names = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #scalars = new Map<string, Value>();
  readonly #weights = new Map<string, Value>();
  #scope = "";

  constructor(name: string) {
    this.name = name;
  }

  /** A builder with a graph's inputs and no nodes. Its generated names do not clash with the graph's. */
  static rewriting(graph: Graph): GraphBuilder {
    const builder = new GraphBuilder(graph.name);
    builder.inputs.push(...graph.inputs);
    const values = graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs]);
    for (const { name } of [...graph.inputs, ...values, ...graph.outputs.values()]) builder.#names.add(name);
    for (const name of graph.outputs.keys()) builder.#names.add(name);
    return builder;
  }

  /** Names created in `body` are prefixed with `scope/`. Scopes nest. */
  scope<T>(scope: string, body: () => T): T {
    const outer = this.#scope;
    this.#scope = outer ? `${outer}/${scope}` : scope;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  /** Marks the nodes created in `body` as a segment for `gradient`'s recomputation. Segments nest. */
  segment<T>(kind: SegmentKind, body: () => T): T {
    const from = this.nodes.length;
    const made = body();
    this.segments.push({ kind, nodes: this.nodes.slice(from) });
    return made;
  }

  /** A tensor that the caller supplies for every run. The name is used unchanged. */
  input(name: string, dtype: DType, shape: Shape): Value {
    this.#reserve(name);
    const value: Value = { name, dtype, shape, origin: { kind: "input" } };
    this.inputs.push(value);
    return value;
  }

  /**
   * A tensor of a checkpoint, read in place. A repeated name returns the same value and must have the same
   * source.
   */
  weight(name: string, type: TensorType, source: WeightSource): Value {
    const known = this.#weights.get(name);
    if (known) {
      this.#refuseSecondSource(known, source);
      return known;
    }
    this.#reserve(name);
    const value: Value = { name, ...type, origin: { kind: "weight", source } };
    this.#weights.set(name, value);
    return value;
  }

  constant(data: Float32Array | readonly number[], shape: Shape, dtype: FloatType = "float32"): Value {
    const array = data instanceof Float32Array ? data : Float32Array.from(data);
    return { name: this.#unique("constant"), dtype, shape, origin: { kind: "constant", data: array } };
  }

  constantIds(data: readonly number[], shape: Shape): Value {
    const array = BigInt64Array.from(data, (id) => BigInt(id));
    return { name: this.#unique("ids"), dtype: "int64", shape, origin: { kind: "constant", data: array } };
  }

  scalar(value: number, dtype: FloatType = "float32"): Value {
    const key = `${dtype} ${value}`;
    const known = this.#scalars.get(key);
    if (known) return known;
    const made = this.constant([value], [], dtype);
    this.#scalars.set(key, made);
    return made;
  }

  /** Declares a value as a result of the graph. The name is used unchanged. */
  output(name: string, value: Value): void {
    this.#reserve(name);
    this.outputs.set(name, value);
  }

  /** Appends a node and returns all its outputs. */
  node<Op extends OpType>(op: Op, inputs: Inputs<Op>, attributes: Attributes<Op>): readonly Value[] {
    const types = shapeRules[op](inputs, attributes);
    const outputs = types.map(
      (type): Value => ({ name: this.#unique(op), ...type, origin: { kind: "node" } }),
    );
    this.nodes.push({ op, inputs, outputs, attributes } as GraphNode);
    return outputs;
  }

  build(): Graph {
    return { name: this.name, inputs: this.inputs, nodes: this.nodes, outputs: this.outputs };
  }

  add = (a: Value, b: Value | number) => this.#one("Add", this.#both(a, b), {});
  sub = (a: Value | number, b: Value | number) => this.#one("Sub", this.#both(a, b), {});
  mul = (a: Value, b: Value | number) => this.#one("Mul", this.#both(a, b), {});
  div = (a: Value | number, b: Value | number) => this.#one("Div", this.#both(a, b), {});
  neg = (x: Value) => this.#one("Neg", [x], {});
  exp = (x: Value) => this.#one("Exp", [x], {});
  sqrt = (x: Value) => this.#one("Sqrt", [x], {});
  reciprocal = (x: Value) => this.#one("Reciprocal", [x], {});
  sin = (x: Value) => this.#one("Sin", [x], {});
  cos = (x: Value) => this.#one("Cos", [x], {});
  tanh = (x: Value) => this.#one("Tanh", [x], {});
  erf = (x: Value) => this.#one("Erf", [x], {});
  relu = (x: Value) => this.#one("Relu", [x], {});
  sigmoid = (x: Value) => this.#one("Sigmoid", [x], {});
  gelu = (x: Value) => this.#one("Gelu", [x], {});
  quickGelu = (x: Value, alpha: number) => this.#one("QuickGelu", [x], { alpha });
  clip = (x: Value, min: number, max: number) => this.#one("Clip", [x], { min, max });
  inRange = (x: Value, min: number, max: number) => this.#one("InRange", [x], { min, max });
  cast = (x: Value, to: FloatType) => (x.dtype === to ? x : this.#one("Cast", [x], { to }));

  matmul = (a: Value, b: Value, options: Partial<Attributes<"MatMul">> = {}) =>
    this.#one("MatMul", [a, b], { transA: false, transB: false, alpha: 1, ...options });
  conv = (x: Value, w: Value, b: Value | undefined, attributes: ConvAttributes) =>
    this.#one("Conv", b ? [x, w, b] : [x, w], attributes);
  convTranspose = (x: Value, w: Value, attributes: Attributes<"ConvTranspose">) =>
    this.#one("ConvTranspose", [x, w], attributes);
  multiHeadAttention = (q: Value, k: Value, v: Value, attributes: Attributes<"MultiHeadAttention">) =>
    this.#one("MultiHeadAttention", [q, k, v], attributes);

  nhwcConv = (inputs: Inputs<"NhwcConv">, attributes: Attributes<"NhwcConv">) =>
    this.#one("NhwcConv", inputs, attributes);
  groupNorm = (x: Value, scale: Value, shift: Value, attributes: Attributes<"GroupNorm">) =>
    this.#one("GroupNorm", [x, scale, shift], attributes);
  biasSplitGelu = (x: Value, bias: Value) => this.#one("BiasSplitGelu", [x, bias], {});

  quantizeWeight = (w: Value) => this.node("QuantizeWeight", [w], {}) as readonly [Value, Value];
  dynamicQuantizeMatMul = (...inputs: Inputs<"DynamicQuantizeMatMul">) =>
    this.#one("DynamicQuantizeMatMul", inputs, {});
  dynamicQuantizeConv = (
    inputs: Inputs<"DynamicQuantizeConv">,
    attributes: Attributes<"DynamicQuantizeConv">,
  ) => this.#one("DynamicQuantizeConv", inputs, attributes);

  softmax = (x: Value) => this.#one("Softmax", [x], {});
  layerNormalization = (x: Value, epsilon: number) => this.#one("LayerNormalization", [x], { epsilon });
  reduceSum = (x: Value, axes: readonly number[]) => this.#one("ReduceSum", [x], { axes });
  reduceMean = (x: Value, axes: readonly number[]) => this.#one("ReduceMean", [x], { axes });
  averagePool = (x: Value, kernel: number) => this.#one("AveragePool", [x], { kernel });
  resize = (x: Value, factor: number) => this.#one("Resize", [x], { factor });

  reshape = (x: Value, shape: Shape) => this.#one("Reshape", [x], { shape });
  transpose = (x: Value, permutation: readonly number[]) => this.#one("Transpose", [x], { permutation });
  expand = (x: Value, shape: Shape) => this.#one("Expand", [x], { shape });
  concat = (inputs: readonly Value[], axis: number) => this.#one("Concat", inputs, { axis });
  slice = (x: Value, axis: number, start: number, end: number) =>
    this.#one("Slice", [x], { axis, start, end, reverse: false });
  reverse = (x: Value, axis: number) =>
    this.#one("Slice", [x], { axis, start: 0, end: x.shape[axis] ?? 0, reverse: true });
  pad = (x: Value, axis: number, before: number, after: number) =>
    this.#one("Pad", [x], { axis, before, after });
  gather = (table: Value, ids: Value) => this.#one("Gather", [table, ids], {});
  after = (x: Value, signal: Value) => this.#one("After", [x, signal], {});

  #one<Op extends OpType>(op: Op, inputs: Inputs<Op>, attributes: Attributes<Op>): Value {
    return this.node(op, inputs, attributes)[0]!;
  }

  /** Two operands; a number takes the type of the other. */
  #both(a: Value | number, b: Value | number): readonly [Value, Value] {
    const dtype = [a, b].some((x) => typeof x !== "number" && x.dtype === "float16") ? "float16" : "float32";
    const value = (x: Value | number) => (typeof x === "number" ? this.scalar(x, dtype) : x);
    return [value(a), value(b)];
  }

  #reserve(name: string): void {
    if (this.#names.has(name)) throw new InternalError(`graph ${this.name} has two values named ${name}`);
    this.#names.add(name);
  }

  /** Two checkpoints may use one name for different tensors. Confusing them would not cause an error. */
  #refuseSecondSource({ name, origin }: Value, { file, byteOffset }: WeightSource): void {
    if (origin.kind === "weight" && (origin.source.file !== file || origin.source.byteOffset !== byteOffset))
      throw new InternalError(
        `graph ${this.name}: weight ${name} is at ${origin.source.file}:${origin.source.byteOffset} and at ${file}:${byteOffset}`,
      );
  }

  /** `stem`, or `stem_1`, `stem_2` … when it is taken. */
  #unique(op: string): string {
    const stem = this.#scope ? `${this.#scope}/${op}` : op;
    let count = this.#counts.get(stem) ?? 0;
    let name = count ? `${stem}_${count}` : stem;
    while (this.#names.has(name)) name = `${stem}_${++count}`;
    this.#names.add(name);
    this.#counts.set(stem, count + 1);
    return name;
  }
}
