import { afterAll, describe, expect, test } from "vitest";
import { bundledModel } from "../../../engine/bundled-model.ts";
import { foldedValues } from "../../../engine/graph/folded-values.ts";
import type { Graph, GraphNode } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { OpType } from "../../../engine/graph/operators.ts";
import type { FloatType } from "../../../engine/graph/value.ts";
import { parseConfig } from "../../../engine/networks/parse-config.ts";
import { resnetBlock } from "../../../engine/networks/resnet-block.ts";
import { transformer2d } from "../../../engine/networks/transformer-2d.ts";
import { unet2dCondition } from "../../../engine/networks/unet-2d-condition.ts";
import { unetConfigSchema } from "../../../engine/networks/unet-2d-condition-config.ts";
import { forwardUnet } from "../../../engine/pipeline/forward-unet.ts";
import { readModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { cudaRewrites, rewriteFor } from "../../../engine/rewrite/cuda-rewrites.ts";
import { type OptimizedGraph, optimize } from "../../../engine/rewrite/optimize.ts";
import { probeOf } from "../../../engine/rewrite/probe.ts";
import { rearrangedWeights } from "../../../engine/rewrite/rearranged-weights.ts";
import { isNode } from "../../../engine/rewrite/rewrite-rule.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { instructPix2Pix } from "../../../research/random-model/instruct-pix2pix-layout.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { randomWeights } from "./random-module.ts";
import { countOperators } from "./same-meaning.ts";

const shapesOnly = randomWeights();
const numbers = randomWeights(0.1);
afterAll(() => {
  shapesOnly.remove();
  numbers.remove();
});

const rewriteAll = (graph: OptimizedGraph) => cudaRewrites.reduce(rewriteFor, graph);

/** The UNet of InstructPix2Pix at 512 px, with three branches of guidance. */
function publishedUnet(dtype: FloatType): OptimizedGraph {
  const { configs } = instructPix2Pix().components.find(({ folder }) => folder === "unet")!;
  const config = parseConfig(configs["config.json"], unetConfigSchema, "config.json");
  const graph = new GraphBuilder("unet");
  const input = (name: string, ...shape: readonly number[]) => graph.input(name, "float32", shape);
  const prediction = unet2dCondition(shapesOnly.module(graph, dtype), config, {
    sample: graph.cast(input("sample", 3, 8, 64, 64), dtype),
    timesteps: input("timesteps", 3),
    text: { states: graph.cast(input("text", 3, 77, 768), dtype) },
    imageSize: { height: 512, width: 512 },
  });
  graph.output("prediction", graph.cast(prediction, "float32"));
  return optimize(graph.build());
}

describe("InstructPix2Pix's UNet in half precision", () => {
  const plain = publishedUnet("float16");
  const rewritten = rewriteAll(plain);

  test("is rewritten wherever CUDA has a kernel", () => {
    const [before, after] = [countOperators(plain), countOperators(rewritten)];
    expect(before).toMatchObject({ Conv: 98, Gelu: 16, QuickGelu: 47 });
    expect(after).toMatchObject({ NhwcConv: 98, GroupNorm: 61, MultiHeadAttention: 32, BiasSplitGelu: 16 });
    for (const op of ["Conv", "Softmax", "Gelu", "Slice"]) expect(after, op).not.toHaveProperty(op);
    // Those of the time embedding are left.
    expect(after.QuickGelu).toBe(2);
  });

  test("keeps the channels last except around the upsamplers", () => {
    const folded = foldedValues(rewritten);
    const transpositions = rewritten.nodes
      .filter((node) => isNode(node, "Transpose") && !folded.has(node.outputs[0]!))
      .map(({ inputs, outputs: [y] }) => {
        const from = rewritten.nodes.find(({ outputs }) => outputs[0] === inputs[0])?.op;
        const to = rewritten.nodes.filter(({ inputs: read }) => read.includes(y!)).map(({ op }) => op);
        return `${from} → ${to}`;
      });
    expect(transpositions).toEqual([
      "Cast → NhwcConv",
      ...["Add", "Add", "Add"].flatMap((sum) => [`${sum} → Resize`, "Resize → NhwcConv"]),
      "Cast → ",
    ]);
  });

  test("reads transposed kernels, which the model cache stores", () => {
    expect(rearrangedWeights(rewritten).size).toBe(98);
  });

  test("has the shapes that onnxruntime's schemas infer", async () => {
    const made: readonly OpType[] = ["NhwcConv", "GroupNorm", "MultiHeadAttention", "BiasSplitGelu"];
    const distinct = new Map(
      rewritten.nodes
        .filter(({ op }) => made.includes(op))
        .map((node) => [JSON.stringify(describeNode(node)), node]),
    );
    expect(distinct.size).toBeGreaterThan(50);
    for (const [description, node] of distinct) {
      const loaded = await load(aloneIn(node)).catch((cause: unknown) => String(cause));
      const expected = node.op === "MultiHeadAttention" ? "loads" : `Kernel not found`;
      expect(loaded, description).toContain(expected);
    }
  });
});

test("in float32 the channels stay first", () => {
  const counts = countOperators(rewriteAll(publishedUnet("float32")));
  expect(counts).toMatchObject({ Conv: 98, MultiHeadAttention: 32, BiasSplitGelu: 16 });
  expect(counts).not.toHaveProperty("GroupNorm");
});

/**
 * Half precision's largest difference from float32: several roundings of 2⁻¹¹ in a row. Measured: 1.4e-3 before
 * and 1.3e-3 after the rewrites.
 */
const halfTolerance = 3e-3;

/** A residual block and a transformer of Stable Diffusion's second level, on 8 × 8 latents. */
function publishedBlock(dtype: FloatType): OptimizedGraph {
  const graph = new GraphBuilder("block");
  const m = numbers.module(graph, dtype);
  const input = (name: string, ...shape: readonly number[]) =>
    graph.cast(graph.input(name, "float32", shape), dtype);
  const options = {
    groups: 32,
    epsilon: 1e-5,
    activation: "silu",
    timeScaleShift: "default",
    outputScale: 1,
  } as const;
  const x = resnetBlock(m.in("resnet"), input("x", 2, 320, 8, 8), input("time", 2, 1280), 640, options);
  const text = { states: input("text", 2, 77, 768) };
  const transformer = { heads: 8, layers: 1, groups: 32, linearProjection: false };
  graph.output("y", graph.cast(transformer2d(m.in("attention"), x, text, transformer), "float32"));
  return optimize(graph.build());
}

describe("what CUDA's operators are defined to compute is what they replace", () => {
  const bundled = readModelFolder(bundledModel);
  const size = { batch: 2, height: 16, width: 16, learnedRows: 0 };
  test.each([
    [
      "in the bundled UNet",
      async (precision: "fp16" | "fp32") => forwardUnet({ ...(await bundled), precision }, size),
      { NhwcConv: 50, GroupNorm: 19, MultiHeadAttention: 15 },
    ],
    [
      "in a block of Stable Diffusion with random weights",
      async (precision: "fp16" | "fp32") => publishedBlock(precision === "fp16" ? "float16" : "float32"),
      { NhwcConv: 5, GroupNorm: 3, MultiHeadAttention: 2, BiasSplitGelu: 1 },
    ],
  ])("%s", async (_, graphIn, expected) => {
    const [exact, plain] = [await graphIn("fp32"), await graphIn("fp16")];
    const rewritten = rewriteAll(plain);
    expect(countOperators(rewritten)).toMatchObject(expected);
    const feeds = feedsOf(exact);
    const results = [];
    for (const graph of [exact, plain, rewritten])
      results.push(Object.values(await runOnCpu(graph, feeds))[0]!);
    const [inFloat32, before, after] = results as [Float32Array, Float32Array, Float32Array];
    expect(deviation(before, inFloat32)).toBeLessThan(halfTolerance);
    expect(deviation(after, inFloat32)).toBeLessThan(halfTolerance);
  });
});

test.each(cudaRewrites.map((rewrite) => [rewrite.name, rewrite] as const))(
  "a self-test of %s computes every kind of place both ways",
  async (_, { rules }) => {
    const graph = publishedBlock("float16");
    const probe = probeOf(graph, rules(graph))!;
    const results = await runOnCpu(probe.graph, feedsOf(probe.graph));
    const places = Object.keys(results).filter((name) => name.startsWith("plain"));
    expect(places.length).toBe(probe.signature.split("\n").length);
    for (const plain of places) {
      const rewritten = plain.replace("plain", "rewritten");
      expect(deviation(results[rewritten]!, results[plain]!), plain).toBeLessThan(halfTolerance);
    }
  },
);

test("a self-test takes each kind of place of the published UNet once", () => {
  const graph = publishedUnet("float16");
  const sizes = cudaRewrites.map(({ rules }) => probeOf(graph, rules(graph))!.graph.outputs.size / 2);
  expect(sizes).toEqual([8, 4, 53]);
});

function describeNode({ op, inputs, attributes }: GraphNode): unknown {
  return [op, inputs.map(({ dtype, shape }) => [dtype, shape]), attributes];
}

/** A graph of one node, whose result has the shape and type of the node's. */
function aloneIn({ op, inputs, attributes, outputs: [y] }: GraphNode): Graph {
  const graph = new GraphBuilder("alone");
  const operands = inputs.map(({ dtype, shape }, index) => graph.input(`x${index}`, dtype, shape));
  const [made] = graph.node(op, operands as never, attributes as never);
  graph.output("y", { ...made!, shape: y!.shape, dtype: y!.dtype });
  return graph.build();
}

async function load(graph: Graph): Promise<string> {
  const session = await Session.create(graph as OptimizedGraph, { device: "cpu", threads: 1, root: "/" });
  await session.dispose();
  return "loads";
}
