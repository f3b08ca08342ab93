import { type EditHooks, type EditOptions, editFitted } from "../editing/edit.ts";
import { psnr } from "../image-quality/psnr.ts";
import { fitPairs } from "../pairs/fit-pairs.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { OpenCase } from "./evaluation-case.ts";

/**
 * Selects the case's text whose edit of the first pair's before image comes closest to its after image by
 * PSNR; the first one on a tie. It uses only the pair, not the true edits.
 */
export async function chooseText(
  pipeline: Pipeline,
  { pairs: [pair] }: OpenCase,
  texts: readonly string[],
  options: EditOptions,
  hooks: EditHooks,
): Promise<string> {
  const [first, ...others] = texts;
  if (!others.length) return first!;
  const { before, after } = fitPairs([pair], pipeline.imageSize).pairs[0];
  let best = { text: first!, closeness: Number.NEGATIVE_INFINITY };
  for (const text of texts) {
    const [edited] = await editFitted(pipeline, [before], { text }, options, hooks);
    const closeness = psnr(edited!, after);
    if (closeness > best.closeness) best = { text, closeness };
  }
  return best.text;
}
