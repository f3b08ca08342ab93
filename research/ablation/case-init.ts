import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { captionImage } from "../../engine/captioning/caption-image.ts";
import { captionPair } from "../../engine/captioning/caption-pair.ts";
import { VisibleError } from "../../engine/errors.ts";
import type { OpenCase } from "../../engine/evaluation/evaluation-case.ts";
import { keyOf } from "../../engine/evaluation/finished-work.ts";
import { writeAtomically } from "../../engine/files/write-atomically.ts";
import { fitPairs } from "../../engine/pairs/fit-pairs.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import type { CaseInit } from "./ablation.ts";

/**
 * The init words of a case. Captions are cached in `folder`, because finding them is slow.
 *
 * @throws VisibleError `invalid_set` for a case without the required words
 */
export async function caseInit(
  pipeline: Pipeline,
  openCase: OpenCase,
  init: CaseInit,
  { seed, folder, signal }: { readonly seed: number; readonly folder: string; readonly signal?: AbortSignal },
): Promise<string> {
  if (init === "text") {
    const [text] = openCase.description.texts ?? [];
    if (text === undefined)
      throw new VisibleError(
        "invalid_set",
        `The ablation init requires texts for every case; add "texts" to ${openCase.name}/case.json.`,
      );
    return text;
  }
  if (init === "look") {
    const { caption_after: caption } = openCase.description;
    if (caption === undefined)
      throw new VisibleError(
        "invalid_set",
        `The ablation init requires a caption for every case; add "caption_after" to ${openCase.name}/case.json.`,
      );
    return caption;
  }
  const { resolution } = pipeline.defaults;
  const decisive = {
    caption: openCase.digest,
    ...(init === "caption" ? {} : { init }),
    seed,
    resolution,
    weights: pipeline.weightHash,
  };
  const path = join(folder, `${keyOf(decisive)}.txt`);
  const known = await readFile(path, "utf8").catch(() => undefined);
  if (known !== undefined) return known;
  const [pair] = openCase.pairs;
  const fitted = fitPairs([pair], { resolution, multiple: pipeline.sizeMultiple }).pairs[0]!;
  const hooks = signal ? { signal } : {};
  const { text } =
    init === "caption"
      ? await captionImage(pipeline, fitted.after, { seed }, hooks)
      : await captionPair(pipeline, fitted, init === "phrase" ? "phrase" : "pez", { seed }, hooks);
  await writeAtomically(path, text);
  return text;
}
