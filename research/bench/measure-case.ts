import { edit } from "../../engine/edit.ts";
import type { EditOptions } from "../../engine/editing/edit.ts";
import { mean } from "../../engine/evaluation/bootstrap.ts";
import type { OpenCase } from "../../engine/evaluation/evaluation-case.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import type { Prompt } from "../../engine/instruction/embed-instruction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { fitPairs } from "../../engine/pairs/fit-pairs.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

/** The case's first pair, at the model's size. */
export function firstPair(pipeline: Pipeline, { pairs }: OpenCase): ImagePair {
  return fitPairs(pairs, pipeline.imageSize).pairs[0];
}

/** Mean PSNR in dB over the case's photos with a true edit. */
export async function meanPsnrToTruth(
  pipeline: Pipeline,
  { tests }: OpenCase,
  prompt: Prompt,
  options: EditOptions,
): Promise<number> {
  const scores: number[] = [];
  for (const { photo, truth } of tests)
    if (truth) scores.push(psnr((await edit(pipeline, photo, prompt, options)).image, truth));
  return mean(scores);
}
