import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { Value } from "../../../engine/graph/value.ts";
import { InternalError } from "../../../shared/errors.ts";

const source = { file: "/unet.safetensors", byteOffset: 0, byteLength: 16 };

describe("names", () => {
  test("get a number when repeated, and start with their scope", () => {
    const graph = new GraphBuilder("names");
    const x = graph.input("x", "float32", [2]);
    const names = [graph.exp(x), graph.exp(x), graph.scope("down", () => graph.exp(x))].map((y) => y.name);
    const nested = graph.scope("down", () => graph.scope("0", () => graph.exp(x)));
    expect([...names, nested.name]).toEqual(["Exp", "Exp_1", "down/Exp", "down/0/Exp"]);
  });

  test("avoid the name of an input", () => {
    const graph = new GraphBuilder("names");
    const first = graph.input("Exp", "float32", [2]);
    graph.input("Exp_1", "float32", [2]);
    const made = [graph.exp(first), graph.exp(first), graph.exp(first)].map((y) => y.name);
    expect(new Set(["Exp", "Exp_1", ...made]).size).toBe(5);
  });

  test("a scope ends even when its body throws", () => {
    const graph = new GraphBuilder("names");
    const x = graph.input("x", "float32", [2]);
    expect(() =>
      graph.scope("broken", () => {
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(graph.exp(x).name).toBe("Exp");
  });

  test.each<[string, (graph: GraphBuilder, x: Value) => void]>([
    ["two inputs", (graph) => graph.input("x", "float32", [1])],
    ["an output and an input", (graph, x) => graph.output("x", x)],
    ["a weight and an input", (graph) => graph.weight("x", { dtype: "float32", shape: [4] }, source)],
  ])("%s cannot share a name", (_, collide) => {
    const graph = new GraphBuilder("names");
    const x = graph.input("x", "float32", [2]);
    expect(() => collide(graph, x)).toThrow("internal: graph names has two values named x");
  });
});

describe("weights and scalars", () => {
  test("a weight requested twice is one value", () => {
    const graph = new GraphBuilder("weights");
    const type = { dtype: "float32", shape: [4] } as const;
    expect(graph.weight("w", type, source)).toBe(graph.weight("w", type, { ...source }));
  });

  test("a weight of two checkpoints is rejected, with both locations", () => {
    const graph = new GraphBuilder("weights");
    const type = { dtype: "float32", shape: [4] } as const;
    graph.weight("conv.weight", type, source);
    expect(() => graph.weight("conv.weight", type, { ...source, file: "/vae.safetensors" })).toThrow(
      "weight conv.weight is at /unet.safetensors:0 and at /vae.safetensors:0",
    );
  });

  test("a number used twice is one constant", () => {
    const graph = new GraphBuilder("scalars");
    const x = graph.input("x", "float32", [2]);
    graph.mul(graph.mul(x, 0.5), 0.5);
    expect(graph.nodes[0]!.inputs[1]).toBe(graph.nodes[1]!.inputs[1]);
  });

  test("a cast to the same type adds no node", () => {
    const graph = new GraphBuilder("casts");
    const x = graph.input("x", "float32", [2]);
    expect(graph.cast(x, "float32")).toBe(x);
    expect(graph.nodes).toEqual([]);
  });
});

describe("an error is thrown by the call that causes it, with the operator and the shapes", () => {
  const stride1 = { stride: 1, pads: [0, 0, 0, 0], dilation: 1 } as const;
  type Mistake = (graph: GraphBuilder, tensor: (...shape: number[]) => Value, half: Value) => unknown;
  test.each<[string, Mistake, readonly string[]]>([
    ["shapes that do not broadcast", (g, t) => g.add(t(2, 3), t(4)), ["Add", "[2, 3]", "[4]"]],
    ["two precisions", (g, t, half) => g.mul(t(2), half), ["Mul", "float32 and float16"]],
    ["inner sizes that differ", (g, t) => g.matmul(t(2, 3), t(4, 5)), ["MatMul", "[2, 3]", "[4, 5]"]],
    [
      "inner sizes that differ once transposed",
      (g, t) => g.matmul(t(2, 3), t(3, 5), { transB: true }),
      ["MatMul", "3 and 5", "[2, 3]", "[3, 5]"],
    ],
    ["a vector in a product", (g, t) => g.matmul(t(3), t(3, 5)), ["MatMul", "[3]", "[3, 5]"]],
    ["lead axes that do not broadcast", (g, t) => g.matmul(t(2, 3, 4), t(5, 4, 3)), ["MatMul", "[2]", "[5]"]],
    [
      "a half weight not cast",
      (g, t, half) => g.matmul(t(2, 2), g.reshape(half, [2, 1])),
      ["MatMul", "float16"],
    ],
    [
      "channels that differ",
      (g, t) => g.conv(t(1, 3, 8, 8), t(4, 2, 3, 3), undefined, stride1),
      ["Conv", "[1, 3, 8, 8]", "[4, 2, 3, 3]"],
    ],
    [
      "a bias of the wrong size",
      (g, t) => g.conv(t(1, 3, 8, 8), t(4, 3, 3, 3), t(3), stride1),
      ["Conv", "[4, 3, 3, 3]", "[3]"],
    ],
    [
      "a kernel larger than the image",
      (g, t) => g.conv(t(1, 3, 2, 8), t(4, 3, 3, 3), undefined, stride1),
      ["Conv", "[1, 3, 2, 8]", "[4, 3, 3, 3]"],
    ],
    [
      "transposed channels that differ",
      (g, t) => g.convTranspose(t(1, 3, 8, 8), t(4, 3, 3, 3), { ...stride1, outputPadding: [0, 0] }),
      ["ConvTranspose", "[1, 3, 8, 8]", "[4, 3, 3, 3]"],
    ],
    ["an image without channels", (g, t) => g.resize(t(8, 8), 2), ["Resize", "[8, 8]"]],
    ["half an enlargement", (g, t) => g.resize(t(1, 1, 4, 4), 1.5), ["Resize", "1.5", "[1, 1, 4, 4]"]],
    ["windows that do not tile", (g, t) => g.averagePool(t(1, 1, 4, 5), 2), ["AveragePool", "[1, 1, 4, 5]"]],
    ["a lost element", (g, t) => g.reshape(t(2, 3), [5]), ["Reshape", "[2, 3]", "[5]"]],
    ["an axis moved twice", (g, t) => g.transpose(t(2, 3), [0, 0]), ["Transpose", "[0,0]", "[2, 3]"]],
    ["a repeat of two", (g, t) => g.expand(t(2, 1), [4, 3]), ["Expand", "[2, 1]", "[4, 3]"]],
    ["a shrinking expand", (g, t) => g.expand(t(2, 3), [1, 3]), ["Expand", "[2, 3]", "[1, 3]"]],
    ["parts that do not fit", (g, t) => g.concat([t(2, 3), t(2, 4)], 0), ["Concat", "[2, 3]", "[2, 4]"]],
    ["nothing to join", (g) => g.concat([], 0), ["Concat"]],
    ["a slice past the end", (g, t) => g.slice(t(2, 3), 1, 1, 4), ["Slice", "[1:4]", "[2, 3]"]],
    ["an empty slice", (g, t) => g.slice(t(2, 3), 1, 2, 2), ["Slice", "[2:2]", "[2, 3]"]],
    ["an axis that is not there", (g, t) => g.reverse(t(2, 3), 2), ["Slice", "[2, 3]"]],
    ["a cut by padding", (g, t) => g.pad(t(2, 3), 0, -1, 0), ["Pad", "-1", "[2, 3]"]],
    ["a sum over no axis", (g, t) => g.reduceSum(t(2, 3), []), ["ReduceSum", "[2, 3]"]],
    ["a mean over a missing axis", (g, t) => g.reduceMean(t(2, 3), [2]), ["ReduceMean", "[2]", "[2, 3]"]],
    ["a softmax of a scalar", (g, t) => g.softmax(t()), ["Softmax", "[]"]],
    ["ids that are numbers", (g, t) => g.gather(t(5, 3), t(2)), ["Gather", "[5, 3]", "[2]"]],
  ])("%s", (_, mistake, named) => {
    const graph = new GraphBuilder("mistakes");
    let count = 0;
    const tensor = (...shape: number[]) => graph.input(`x${count++}`, "float32", shape);
    const half = graph.input("half", "float16", [2]);
    const attempt = () => mistake(graph, tensor, half);
    expect(attempt).toThrow(InternalError);
    count += 10;
    for (const word of named) {
      count += 10;
      expect(attempt).toThrow(word);
    }
  });
});
