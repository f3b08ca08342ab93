import { type EditOptions, edit } from "../../engine/editing/edit.ts";
import { mean } from "../../engine/evaluation/bootstrap.ts";
import type { OpenCase } from "../../engine/evaluation/evaluation-case.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import { fitPairs } from "../../engine/images/fit-pairs.ts";
import { fitToModel } from "../../engine/images/fit-to-model.ts";
import type { Prompt } from "../../engine/instruction/embed-instruction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

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
