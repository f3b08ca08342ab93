import { type GraphWork, workOf } from "../graph/graph-work.ts";
import { estimateMemory, residentBytes } from "../graph/memory-estimate.ts";
import { weightBytes } from "../graph/weights-of.ts";
import { leanestLoss, planLoss } from "../inversion/loss-plan.ts";
import { decoderGraph, encoderGraph, textEncoderGraph, unetGraph } from "../pipeline/forward-graphs.ts";
import { branchWeights } from "../pipeline/guidance.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";
import { type OptimizedGraph, optimize } from "../rewrite/optimize.ts";
import { createScheduler } from "../schedulers/create-scheduler.ts";

/** Memory that one use of a model needs, computed from the shapes of its graphs. */
export interface Needs {
  /** Bytes of the weights in use, as float32. */
  readonly weights: number;
  /** Peak bytes of intermediate values, in the largest graph. */
  readonly activations: number;
  /** Bytes of weights and values of the largest single session. */
  readonly largest: number;
}

export interface ModelNeeds {
  readonly width: number;
  readonly height: number;
  /** `step`: one update of the tokens, without the frozen branches of samples seen for the first time. */
  readonly learn: Needs & { readonly step: GraphWork };
  /** `whole`: encoding, all sampling steps with the guidance branches in use, and decoding. */
  readonly edit: Needs & { readonly whole: GraphWork };
}

/** Typical token count of an instruction; it hardly affects the cost. */
const tokens = 8;

/** Minimum needs of learning and editing at an image size, with the model's default settings. */
export function needsOf(model: ModelFolder, width: number, height: number): ModelNeeds {
  return { width, height, learn: learnNeeds(model, width, height), edit: editNeeds(model, width, height) };
}

/** Work without recomputation, and memory with the most recomputation. */
export function learnNeeds(model: ModelFolder, width: number, height: number): ModelNeeds["learn"] {
  const { inversion } = model.defaults;
  const wanted = {
    ...inLatents(model, width, height),
    batch: inversion.batchSize,
    space: "text",
    tokens,
    textGuidance: inversion.textGuidance,
    mseWeight: 4,
    clipWeight: 0.1,
  } as const;
  const { graph: whole } = planLoss(model, wanted, Number.POSITIVE_INFINITY);
  const { graph: least } = leanestLoss(model, wanted);
  return { ...needs([...readingGraphs(model, width, height), least]), step: workOf(whole) };
}

export function editNeeds(model: ModelFolder, width: number, height: number): ModelNeeds["edit"] {
  const { sampler } = model.defaults;
  const size = inLatents(model, width, height);
  const [text, encoder] = readingGraphs(model, width, height);
  const decoder = optimize(decoderGraph(model, size.height, size.width));
  const unet = optimize(unetGraph(model, { batch: 1, ...size, learnedRows: 0 }));
  const weights = branchWeights({ text: sampler.textGuidance, image: sampler.imageGuidance });
  const evaluations = createScheduler(sampler.scheduler, model.scheduler, sampler.steps).timesteps.length;
  const branches = Object.values(weights).filter((weight) => weight !== 0).length;
  return {
    ...needs([text, encoder, unet, decoder]),
    whole: sum([workOf(encoder), times(workOf(unet), branches * evaluations), workOf(decoder)]),
  };
}

/** Text encoder and VAE encoder, which both uses run first. */
function readingGraphs(
  model: ModelFolder,
  width: number,
  height: number,
): readonly [OptimizedGraph, OptimizedGraph] {
  return [
    optimize(textEncoderGraph(model, { batch: 1, length: model.tokenizer.maxLength })),
    optimize(encoderGraph(model, height, width)),
  ];
}

function inLatents({ vae }: ModelFolder, width: number, height: number) {
  return { height: height / vae.autoencoder.factor, width: width / vae.autoencoder.factor };
}

function needs(graphs: readonly OptimizedGraph[]): Needs {
  return {
    weights: graphs.reduce((total, graph) => total + weightBytes(graph), 0),
    activations: Math.max(...graphs.map(heldBesideWeights)),
    largest: Math.max(...graphs.map((graph) => residentBytes(estimateMemory(graph)))),
  };
}

function heldBesideWeights(graph: OptimizedGraph): number {
  const { folded, activations } = estimateMemory(graph);
  return folded + activations;
}

function times(work: GraphWork, count: number): GraphWork {
  return {
    convolution: work.convolution * count,
    product: work.product * count,
    traffic: work.traffic * count,
  };
}

function sum(works: readonly GraphWork[]): GraphWork {
  return works.reduce((a, b) => ({
    convolution: a.convolution + b.convolution,
    product: a.product + b.product,
    traffic: a.traffic + b.traffic,
  }));
}
