import { type EditOptions, edit } from "../gpu-worker/editing/edit.ts";
import { mean } from "../gpu-worker/evaluation/bootstrap.ts";
import type { OpenCase } from "../gpu-worker/evaluation/evaluation-case.ts";
import { fitPairs } from "../gpu-worker/images/fit-pairs.ts";
import { fitToModel } from "../gpu-worker/images/fit-to-model.ts";
import type { Prompt } from "../gpu-worker/instruction/embed-instruction.ts";
import type { ImagePair } from "../gpu-worker/inversion/image-pair.ts";
import { psnr } from "../gpu-worker/metrics/psnr.ts";
import type { Pipeline } from "../gpu-worker/pipeline/pipeline.ts";

const sizeOf = ({ defaults, sizeMultiple }: Pipeline) => ({
  resolution: defaults.resolution,
  multiple: sizeMultiple,
});

/** The case's first pair, at the model's own size. */
export function firstPair(pipeline: Pipeline, { pairs }: OpenCase): ImagePair {
  return fitPairs(pairs, sizeOf(pipeline)).pairs[0]!;
}

/** Mean PSNR to the true edit, in dB, over those of the case's photos that have one. */
export async function meanPsnrToTruth(
  pipeline: Pipeline,
  { tests }: OpenCase,
  prompt: Prompt,
  options: EditOptions,
): Promise<number> {
  const scores: number[] = [];
  for (const { name, photo, truth } of tests) {
    if (!truth) continue;
    const fitted = fitToModel(photo, sizeOf(pipeline), name);
    const [edited] = await edit(pipeline, [fitted.image], prompt, options);
    scores.push(psnr(fitted.restore(edited!), truth));
  }
  return mean(scores);
}
