import type { Graph } from "../../engine/graph/graph.ts";
import { workOf } from "../../engine/graph/graph-work.ts";
import { estimateMemory, residentBytes } from "../../engine/graph/memory-estimate.ts";
import { bytesOf } from "../../engine/graph/value.ts";
import { weightBytes } from "../../engine/graph/weights-of.ts";
import { everyPlan } from "../../engine/inversion/loss-plan.ts";
import {
  clipImageGraph,
  decoderGraph,
  encoderGraph,
  textEncoderGraph,
  unetGraph,
} from "../../engine/pipeline/forward-graphs.ts";
import { forwardUnet } from "../../engine/pipeline/forward-unet.ts";
import { type ModelFolder, readModelFolder } from "../../engine/pipeline/model-folder.ts";
import { fuseAttention } from "../../engine/rewrite/fuse-attention.ts";
import { optimize } from "../../engine/rewrite/optimize.ts";
import { rearrangedWeights, withStoredValues } from "../../engine/rewrite/rearranged-weights.ts";
import { wanted } from "./full-size-inputs.ts";

interface Row {
  readonly size: number;
  readonly what: string;
  /** Gigabytes: mapped weights, folded values, intermediate values, and growth of a CPU process. */
  readonly memory: readonly [weights: number, folded: number, activations: number, resident: number];
  readonly gigaflops: number;
}

/**
 * Memory and work of each way to compute a step, and of the other graphs, from shapes alone; nothing is run.
 */
export async function benchPlans(folder: string, say: (line: string) => void): Promise<Row[]> {
  const model = await readModelFolder(folder);
  benchDevicePlans({ ...model, precision: "fp16" }, say);
  const rows = [256, 512, 768].flatMap((size) => rowsAt(model, size));
  say("estimated from shapes, float32, GB: weights + folded + intermediate values → on a CPU; GFLOP");
  for (const { size, what, memory, gigaflops } of rows)
    say(
      `  ${size} px  ${what.padEnd(42)}${memory.map((x) => x.toFixed(2).padStart(6)).join("")}  ${gigaflops.toFixed(0)}`,
    );
  describeEightBits(model, say);
  return rows;
}

/** Bytes of the UNet's weights with `--precision int8`, which do not depend on the image size. */
function describeEightBits(model: ModelFolder, say: (line: string) => void): void {
  const size = { batch: 1, height: 32, width: 32, learnedRows: 0 };
  const graph = forwardUnet({ ...model, precision: "int8" }, size);
  const stored = rearrangedWeights(graph);
  const rest = withStoredValues(graph, new Map([...stored.keys()].map((value) => [value, nowhere])));
  const bytes = (part: "integers" | "scales") =>
    [...stored]
      .filter(([, weight]) => weight.part === part)
      .reduce((sum, [value]) => sum + bytesOf(value), 0);
  const [integers, scales, float32] = [bytes("integers"), bytes("scales"), weightBytes(rest)];
  say(
    `  in 8 bits, bytes: integers ${integers}, scales ${scales}, weights that stay in float32 ${float32}; all of the UNet in float32 ${weightBytes(graph)}`,
  );
}

const nowhere = { file: "", byteOffset: 0, byteLength: 0 };

/**
 * Memory in GB on a GPU in half precision at 512 px, by session: weights read at run time, rotated and cast
 * weights, intermediate values, cuDNN's workspace, and the total as the arena may round it.
 */
function benchDevicePlans(model: ModelFolder, say: (line: string) => void): void {
  const latents = 512 / model.vae.autoencoder.factor;
  say(
    "estimated for a GPU, UNet in fp16, 512 px, GB: weights + folded + intermediate values + workspace → on the device",
  );
  const row = (what: string, graph: Graph): number => {
    const estimate = estimateMemory(graph);
    const { read, folded, activations, workspace } = estimate;
    const resident = residentBytes(estimate, "gpu");
    const columns = [read, folded, activations, workspace, resident].map((x) =>
      (x / 1e9).toFixed(2).padStart(6),
    );
    say(`  ${what.padEnd(42)}${columns.join("")}`);
    return resident;
  };
  const size = { height: latents, width: latents };
  const steps = everyPlan(model, { ...wanted, ...size }).map(({ settings, graph }) =>
    row(`step, ${settings.recompute?.join(" and ") || "nothing"} twice`, graph),
  );
  const others = [
    row("UNet forward", optimize(unetGraph(model, { batch: 1, ...size, learnedRows: 0 }))),
    row("text encoder", optimize(textEncoderGraph(model, { batch: 1, length: model.tokenizer.maxLength }))),
    ...(model.clip ? [row("CLIP of images", optimize(clipImageGraph(model.clip)))] : []),
    row("autoencoder, encoder", optimize(encoderGraph(model, 512, 512))),
    row("autoencoder, decoder (previews)", optimize(decoderGraph(model, latents, latents))),
  ];
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  say(
    `  all sessions of a learning run at once, nothing recomputed: ${((steps[0]! + sum(others)) / 1e9).toFixed(1)} GB`,
  );
}

function rowsAt(model: ModelFolder, size: number): Row[] {
  const latents = size / model.vae.autoencoder.factor;
  const row = (what: string, graph: Graph): Row => {
    const estimate = estimateMemory(graph);
    const { weights, folded, activations } = estimate;
    const bytes = [weights, folded, activations, residentBytes(estimate)] as const;
    const { convolution, product } = workOf(graph);
    const [w, f, a, r] = bytes.map((x) => x / 1e9) as [number, number, number, number];
    return { size, what, memory: [w, f, a, r], gigaflops: (convolution + product) / 1e9 };
  };
  const steps = everyPlan(model, { ...wanted, height: latents, width: latents }).map(({ settings, graph }) =>
    row(`step, ${settings.recompute?.join(" and ") || "nothing"} twice`, graph),
  );
  const unet = optimize(unetGraph(model, { batch: 1, height: latents, width: latents, learnedRows: 0 }));
  const inEightBits = forwardUnet(
    { ...model, precision: "int8" },
    { batch: 1, height: latents, width: latents, learnedRows: 0 },
  );
  return [
    ...steps,
    row("UNet forward", fuseAttention(unet)),
    row("UNet forward in 8 bits", fuseAttention(inEightBits)),
    row("encoder", optimize(encoderGraph(model, size, size))),
    row("decoder", optimize(decoderGraph(model, latents, latents))),
  ];
}
