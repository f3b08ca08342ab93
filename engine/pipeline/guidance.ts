import type { Pipeline, TextEmbedding } from "./pipeline.ts";

/**
 * Guidance of InstructPix2Pix (Brooks et al. 2023, eq. 3) with three predictions of one UNet:
 *
 *     e = e_none + s_I (e_image − e_none) + s_T (e_text − e_image)
 */
export interface Guidance {
  /** s_T: text guidance scale, the strength of the edit. */
  readonly text: number;
  /** s_I: image guidance scale, the similarity to the input image. */
  readonly image: number;
}

/**
 * The guidance as a weighted sum of branches. Branches of weight 0 are not computed; at s_T = s_I = 1 only
 * the text branch is.
 */
export function branchWeights({ text, image }: Guidance): { text: number; image: number; none: number } {
  return { text, image: image - text, none: 1 - image };
}

/** Samples of one size: latents z_t and image condition c_I [N · C · h · w], timesteps [N]. */
export interface Samples {
  readonly latents: Float32Array;
  readonly image: Float32Array;
  readonly timesteps: Float32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * The part of the guided prediction that does not depend on the instruction: its image and unconditional
 * branches.
 *
 * @param nothing their text embedding; the unconditional embedding when absent
 * @returns (s_I − s_T)·e_image + (1 − s_I)·e_none, [N · C · h · w]
 */
export async function frozenBranches(
  pipeline: Pipeline,
  samples: Samples,
  guidance: Guidance,
  nothing?: TextEmbedding,
): Promise<Float32Array> {
  const weights = branchWeights(guidance);
  const embedding = repeatEmbedding(
    nothing ?? (await pipeline.unconditionalEmbedding()),
    samples.timesteps.length,
  );
  const sum = new Float32Array(samples.latents.length);
  if (weights.image !== 0)
    addScaled(sum, await pipeline.predict({ ...samples, ...embedding }), weights.image);
  if (weights.none !== 0) {
    const image = new Float32Array(samples.image.length);
    addScaled(sum, await pipeline.predict({ ...samples, ...embedding, image }), weights.none);
  }
  return sum;
}

/** Conditioning of the text branch. */
export interface Conditioning extends TextEmbedding {
  /** Keys and values for its positions 1 … n, [n · D]. */
  readonly learned?: Float32Array;
}

/** The guided prediction of all samples with one conditioning, [N · C · h · w]. */
export async function guidedPrediction(
  pipeline: Pipeline,
  samples: Samples,
  { learned, ...embedding }: Conditioning,
  guidance: Guidance,
  nothing?: TextEmbedding,
): Promise<Float32Array> {
  const sum = await frozenBranches(pipeline, samples, guidance, nothing);
  const forAll = repeatEmbedding(embedding, samples.timesteps.length);
  addScaled(sum, await pipeline.predict({ ...samples, ...forAll, learned }), guidance.text);
  return sum;
}

/** Repeats a text embedding for `count` samples. */
function repeatEmbedding({ text, pooled }: TextEmbedding, count: number): TextEmbedding {
  return { text: repeat(text, count), ...(pooled ? { pooled: repeat(pooled, count) } : {}) };
}

function repeat(values: Float32Array, count: number): Float32Array {
  const repeated = new Float32Array(values.length * count);
  for (let i = 0; i < count; i++) repeated.set(values, i * values.length);
  return repeated;
}

function addScaled(sum: Float32Array, values: Float32Array, scale: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + scale * values[i]!;
}
