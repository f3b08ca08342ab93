import { workOf } from "../gpu-worker/graph/graph-work.ts";
import { estimateMemory, residentBytes } from "../gpu-worker/graph/memory-estimate.ts";
import type { Graph } from "../gpu-worker/graph/value.ts";
import { everyPlan } from "../gpu-worker/inversion/loss-plan.ts";
import { decoderGraph, encoderGraph, unetGraph } from "../gpu-worker/pipeline/forward-graphs.ts";
import { type ModelFolder, readModelFolder } from "../gpu-worker/pipeline/model-folder.ts";
import { optimize } from "../gpu-worker/rewrite/optimize.ts";
import { wanted } from "./full-size-inputs.ts";

interface Row {
  readonly size: number;
  readonly what: string;
  /** Gigabytes: mapped weights, what is folded from them, intermediate values, and what a CPU process grows by. */
  readonly memory: readonly [weights: number, folded: number, activations: number, resident: number];
  readonly gigaflops: number;
}

/** What each way of doing a step takes, and the graphs beside it, from shapes alone: nothing is run. */
export async function benchPlans(folder: string, say: (line: string) => void): Promise<Row[]> {
  const model = await readModelFolder(folder);
  const rows = [512, 768].flatMap((size) => rowsAt(model, size));
  say("reckoned from shapes, float32, GB: weights + folded + intermediate values → on a CPU; GFLOP");
  for (const { size, what, memory, gigaflops } of rows)
    say(
      `  ${size} px  ${what.padEnd(42)}${memory.map((x) => x.toFixed(2).padStart(6)).join("")}  ${gigaflops.toFixed(0)}`,
    );
  return rows;
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
  return [
    ...steps,
    row("UNet forward", unet),
    row("encoder", optimize(encoderGraph(model, size, size))),
    row("decoder", optimize(decoderGraph(model, latents, latents))),
  ];
}
