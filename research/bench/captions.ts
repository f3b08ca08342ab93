import { captionEmbedding } from "../../engine/captioning/caption-image.ts";
import { captionPair } from "../../engine/captioning/caption-pair.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { openCase } from "../../engine/evaluation/open-case.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { invert } from "../../engine/inversion/invert.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { firstPair, meanPsnrToTruth } from "./measure-case.ts";

/** Results of one kind of init on one case: PSNR to the true edits of unseen photos, in dB. */
export interface InitFigures {
  readonly case: string;
  readonly way: string;
  readonly init: string;
  readonly wordsAlone: number;
  /** By number of learning steps from the first pair. */
  readonly learned: Readonly<Record<number, number>>;
}

const steps = [30] as const;
const seed = 0;

/** Methods of finding the init words. */
const ways: Readonly<Record<string, (pipeline: Pipeline, pair: ImagePair) => Promise<string>>> = {
  "the model's own": async ({ defaults }) => defaults.init,
  "nearest phrase": async (pipeline, pair) => (await captionPair(pipeline, pair, "phrase", { seed })).text,
  "PEZ, of the edit": async (pipeline, pair) => (await captionPair(pipeline, pair, "pez", { seed })).text,
  "PEZ, of the after image": async (pipeline, { after }) =>
    (await captionEmbedding(pipeline, (await pipeline.embedImage(after))!, { seed })).text,
};

/** Edits each case's photos by the words alone, and by instructions learned from them in few steps. */
export async function benchCaptions(
  pipeline: Pipeline,
  cases: readonly CaseFiles[],
  onFigures: (figures: InitFigures) => void,
): Promise<void> {
  for (const files of cases) {
    const opened = await openCase(files);
    const pair = firstPair(pipeline, opened);
    for (const [way, find] of Object.entries(ways)) {
      const init = await find(pipeline, pair);
      const learned: Record<number, number> = {};
      for (const count of steps) {
        const instruction = await invert(pipeline, [pair], { seed, init, steps: count });
        learned[count] = await meanPsnrToTruth(pipeline, opened, { instruction }, { seed });
      }
      const wordsAlone = await meanPsnrToTruth(pipeline, opened, { text: init }, { seed });
      onFigures({ case: opened.name, way, init, wordsAlone, learned });
    }
  }
}
