import { psnr } from "../image-quality/psnr.ts";
import { sharpness } from "../image-quality/sharpness.ts";
import { ssim } from "../image-quality/ssim.ts";
import { type StyleStatistics, styleDistance, styleStatistics } from "../image-quality/style-distance.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { cosine, direction, embedCaption } from "../pipeline/clip-space.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { captionsOf, type OpenCase, type OpenTest } from "./evaluation-case.ts";
import type { Scores } from "./metric.ts";

/**
 * The PSNR in dB of rounding to 8 bits (a mean squared error of 1/12 of a squared level). Scores are capped
 * here: an exact match would be infinite and dominate every mean.
 */
export const highestPsnr = 10 * Math.log10(12 * 255 ** 2);

/** Measures results on one case. Embeddings that depend only on the case are computed once. */
export class CaseMeasure {
  readonly #pipeline: Pipeline;
  readonly #case: OpenCase;
  /** mean f(after) − mean f(before) over all of the case's pairs, independent of the method. */
  readonly #pairDirection: Float32Array | undefined;

  readonly #styles = new Map<RgbImage, StyleStatistics>();

  private constructor(pipeline: Pipeline, openCase: OpenCase, pairDirection: Float32Array | undefined) {
    this.#pipeline = pipeline;
    this.#case = openCase;
    this.#pairDirection = pairDirection;
  }

  static async of(pipeline: Pipeline, openCase: OpenCase): Promise<CaseMeasure> {
    return new CaseMeasure(pipeline, openCase, await directionOfPairs(pipeline, openCase));
  }

  /** `result` has the size of the test's photo. A method that adds its own words has no PSNR and SSIM. */
  async scores(
    test: OpenTest,
    result: RgbImage,
    { aimsAtTruth }: { readonly aimsAtTruth: boolean },
  ): Promise<Scores> {
    const truth = aimsAtTruth ? test.truth : undefined;
    return {
      psnr: truth ? Math.min(highestPsnr, psnr(result, truth)) : null,
      ssim: truth ? ssim(result, truth) : null,
      style: truth ? styleDistance(styleStatistics(result), this.#styleOf(truth)) : null,
      sharpness: (truth && sharpness(result, truth)) ?? null,
      ...(await this.#clipScores(test, result)),
    };
  }

  /** Style statistics of a true edit, cached for all methods. */
  #styleOf(truth: RgbImage): StyleStatistics {
    const known = this.#styles.get(truth);
    if (known) return known;
    const made = styleStatistics(truth);
    this.#styles.set(truth, made);
    return made;
  }

  async #clipScores(
    test: OpenTest,
    result: RgbImage,
  ): Promise<Pick<Scores, "imageClip" | "directionalClip" | "visualClip">> {
    const from = await this.#pipeline.embedImage(test.photo);
    const to = await this.#pipeline.embedImage(result);
    if (!from || !to) return { imageClip: null, directionalClip: null, visualClip: null };
    const change = direction(to, from);
    const along = (wanted: Float32Array | undefined) => (change && wanted ? cosine(change, wanted) : null);
    return {
      imageClip: cosine(from, to),
      directionalClip: along(await this.#captionDirection(test)),
      visualClip: along(this.#pairDirection),
    };
  }

  async #captionDirection({ name }: OpenTest): Promise<Float32Array | undefined> {
    const captions = captionsOf(this.#case.description, name);
    if (!captions) return undefined;
    const before = await embedCaption(this.#pipeline, captions.before);
    const after = await embedCaption(this.#pipeline, captions.after);
    return before && after && direction(after, before);
  }
}

async function directionOfPairs(pipeline: Pipeline, { pairs }: OpenCase): Promise<Float32Array | undefined> {
  let [befores, afters]: (Float32Array | undefined)[] = [];
  for (const { before, after } of pairs) {
    const from = await pipeline.embedImage(before);
    const to = await pipeline.embedImage(after);
    if (!from || !to) return undefined;
    befores = befores ? befores.map((x, i) => x + from[i]!) : from;
    afters = afters ? afters.map((x, i) => x + to[i]!) : to;
  }
  return befores && afters && direction(afters, befores);
}
