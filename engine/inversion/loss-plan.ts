import { showBytes } from "../../shared/show-bytes.ts";
import { VisibleError } from "../errors.ts";
import type { SegmentKind } from "../graph/graph-builder.ts";
import { estimateMemory, type MemoryEstimate, residentBytes } from "../graph/memory-estimate.ts";
import { latentMultiple } from "../networks/unet-2d-condition.ts";
import { unetGraph } from "../pipeline/forward-graphs.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";
import { type OptimizedGraph, optimize } from "../rewrite/optimize.ts";
import { largestSquare } from "./largest-square.ts";
import { type LossSettings, lossGraph } from "./loss-graph.ts";

/** How the loss of a batch is computed within a given memory. */
export interface LossPlan {
  readonly settings: LossSettings;
  readonly graph: OptimizedGraph;
  readonly memory: MemoryEstimate;
}

/** From the one that does the least to the one that holds the least. */
const recomputations: readonly (readonly SegmentKind[])[] = [[], ["attention"], ["attention", "block"]];

/** Of what is allowed, how much the loss alone may take before it is asked what has to stand beside it. */
const smallShare = 0.25;

/**
 * The cheapest way to differentiate a batch that fits into `memory`, beside the forward UNet that validates between the
 * steps: whole; sample by sample; with the attentions' weights computed a second time; with every block computed a
 * second time. Samples one by one cost nothing where a sample is large; the last way costs a third of a step more.
 *
 * @param memory bytes for all sessions together, on the device that computes
 * @throws VisibleError `not_enough_memory` with what it would take and the largest square that fits
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
  const unet = optimize(unetGraph(model, { batch: 1, height, width, learnedRows: 0 }));
  const forward = taken({ memory: estimateMemory(unet) });
  const fits = (some: LossPlan, beside: number) => taken(some) + beside <= memory;
  if (fits(whole, forward)) return whole;
  // One after the other: each way is a graph of its own to be written and differentiated.
  const tried = wanted.batch === 1 ? [whole] : [];
  for (const recompute of recomputations.slice(tried.length)) {
    const next = plan(model, { ...wanted, batch: 1, recompute });
    if (fits(next, forward)) return next;
    tried.push(next);
  }
  // Where even the leanest leaves no room for the forward UNet, the two take turns, each loaded anew.
  const chosen = tried.find((each) => fits(each, 0));
  if (chosen) return chosen;
  const least = Math.min(...tried.map(taken));
  throw new VisibleError(
    "not_enough_memory",
    `One step at ${pixels(model, width)}×${pixels(model, height)} takes about ${showBytes(least)}, and ${showBytes(memory)} are allowed. ` +
      whatFits(model, wanted, memory, where),
  );
}

function whatFits(model: ModelFolder, wanted: LossSettings, memory: number, where: "cpu" | "gpu"): string {
  const side = largestSquare(wanted, latentMultiple(model.unet.config), (size) => {
    const { memory: needed } = leanestLoss(model, { ...wanted, ...size });
    return residentBytes(needed, where) <= memory;
  });
  return side === 0
    ? "No picture size fits: allow more with --memory, or take a smaller model."
    : `What fits: --size ${pixels(model, side)}, or more with --memory.`;
}

/** Sample by sample, from the way that does the least to the one that holds the least. */
export function everyPlan(model: ModelFolder, wanted: LossSettings): LossPlan[] {
  return recomputations.map((recompute) => plan(model, { ...wanted, batch: 1, recompute }));
}

/** The way that holds the least, whatever it costs. */
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
