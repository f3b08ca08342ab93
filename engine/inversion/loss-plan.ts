import { showBytes } from "../../shared/show-bytes.ts";
import { VisibleError } from "../errors.ts";
import type { SegmentKind } from "../graph/graph-builder.ts";
import { estimateMemory, type MemoryEstimate, residentBytes } from "../graph/memory-estimate.ts";
import { latentMultiple } from "../networks/unet-2d-condition.ts";
import { forwardUnet } from "../pipeline/forward-unet.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";
import { fuseAttention } from "../rewrite/fuse-attention.ts";
import { type OptimizedGraph, optimize } from "../rewrite/optimize.ts";
import { largestSquare } from "./largest-square.ts";
import { type LossSettings, lossGraph } from "./loss-graph.ts";

/** How the loss of a batch is computed within a memory limit. */
export interface LossPlan {
  readonly settings: LossSettings;
  readonly graph: OptimizedGraph;
  readonly memory: MemoryEstimate;
}

/** From the least work to the least memory. */
const recomputations: readonly (readonly SegmentKind[])[] = [[], ["attention"], ["attention", "block"]];

/** Share of the memory limit below which the loss is accepted without checking what else is loaded. */
const smallShare = 0.25;

/**
 * Chooses the cheapest way to differentiate a batch that fits into `memory` together with the forward UNet
 * for validation: whole; sample by sample; with attention weights recomputed; with every block recomputed.
 * Sample by sample costs no time for large samples; recomputing every block adds a third to a step.
 *
 * @param memory bytes for all sessions together, on the device that computes
 * @throws VisibleError `not_enough_memory` with the estimate and the largest square that fits
 */
export function planLoss(
  model: ModelFolder,
  wanted: LossSettings,
  memory: number,
  where: "cpu" | "gpu" = "cpu",
): LossPlan {
  const whole = plan(model, wanted);
  const taken = ({ memory: needed }: Pick<LossPlan, "memory">) => residentBytes(needed, where);
  if (taken(whole) <= smallShare * memory) return whole;
  const { height, width } = wanted;
  const unet = forwardUnet(model, { batch: 1, height, width, learnedRows: 0 });
  const forward = taken({ memory: estimateMemory(fuseAttention(unet, where)) });
  const fits = (some: LossPlan, beside: number) => taken(some) + beside <= memory;
  if (fits(whole, forward)) return whole;
  // Lazily, because building and differentiating each graph takes time.
  const tried = wanted.batch === 1 ? [whole] : [];
  for (const recompute of recomputations.slice(tried.length)) {
    const next = plan(model, { ...wanted, batch: 1, recompute });
    if (fits(next, forward)) return next;
    tried.push(next);
  }
  // If even the leanest plan leaves no room for the forward UNet, the two sessions are loaded in turn.
  const chosen = tried.find((each) => fits(each, 0));
  if (chosen) return chosen;
  const least = Math.min(...tried.map(taken));
  throw new VisibleError(
    "not_enough_memory",
    `One step at ${pixels(model, width)}×${pixels(model, height)} needs about ${showBytes(least)}, but the limit is ${showBytes(memory)}. ` +
      whatFits(model, wanted, memory, where),
  );
}

function whatFits(model: ModelFolder, wanted: LossSettings, memory: number, where: "cpu" | "gpu"): string {
  const side = largestSquare(wanted, latentMultiple(model.unet.config), (size) => {
    const { memory: needed } = leanestLoss(model, { ...wanted, ...size });
    return residentBytes(needed, where) <= memory;
  });
  return side === 0
    ? "No image size fits; allow more with --memory, or use a smaller model."
    : `Use --size ${pixels(model, side)}, or allow more with --memory.`;
}

/** Plans sample by sample, from the least work to the least memory. */
export function everyPlan(model: ModelFolder, wanted: LossSettings): LossPlan[] {
  return recomputations.map((recompute) => plan(model, { ...wanted, batch: 1, recompute }));
}

/** The plan with the least memory. */
export function leanestLoss(model: ModelFolder, wanted: LossSettings): LossPlan {
  return plan(model, { ...wanted, batch: 1, recompute: recomputations.at(-1)! });
}

function plan(model: ModelFolder, settings: LossSettings): LossPlan {
  const graph = optimize(lossGraph(model, settings));
  return { settings, graph, memory: estimateMemory(graph) };
}

function pixels({ vae }: ModelFolder, latents: number): number {
  return latents * vae.autoencoder.factor;
}
