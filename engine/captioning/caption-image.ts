import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { adamWDefaults, initAdamW, updateAdamW } from "../optimizer/adamw.ts";
import type { ClipModel } from "../pipeline/clip-model.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { optimize } from "../rewrite/optimize.ts";
import { captionLossGraph, tokenEmbeddingGraph, vocabularyScoreGraph } from "./caption-graphs.ts";
import { readableTokens, spellTokens } from "./readable-tokens.ts";

interface CaptionOptions {
  readonly seed: number;
  /** Length of the caption in tokens; 10 as in the released code by default. */
  readonly tokens?: number;
  readonly steps?: number;
  readonly learningRate?: number;
}

export interface CaptionHooks {
  readonly signal?: AbortSignal;
  onEvent?(event: { readonly step: number; readonly steps: number; readonly similarity: number }): void;
}

export interface Caption {
  readonly text: string;
  /**
   * Cosine of text and image in the model folder's CLIP. Values of different CLIP models are not comparable.
   */
  readonly similarity: number;
}

/** Settings of the released code: AdamW, learning rate 0.1, weight decay 0.1. */
const defaults = { tokens: 10, steps: 300, learningRate: 0.1 } as const;
const weightDecay = 0.1;

/**
 * Finds a caption by gradient descent: "Hard prompts made easy" (PEZ; Wen et al. 2023). The gradient is taken
 * at the nearest real tokens and applied to soft token embeddings S, so that the loss is always that of a
 * real text:
 *
 *     H ← nearest tokens of S      S ← AdamW(S, ∂(1 − cos(f(image), g(H)))/∂H)
 *
 * Candidates are the vocabulary's lowercase words, so that the caption is readable.
 *
 * @returns the best text seen, as the tokenizer reads it back
 * @throws VisibleError `no_clip` if the model folder has no CLIP
 */
export async function captionImage(
  pipeline: Pipeline,
  image: RgbImage,
  options: CaptionOptions,
  hooks: CaptionHooks = {},
): Promise<Caption> {
  return captionEmbedding(pipeline, requireClip(pipeline, await pipeline.embedImage(image)), options, hooks);
}

/**
 * Like {@link captionImage}, for any point of CLIP's space [p] of any length: an image embedding or an edit
 * direction.
 */
export async function captionEmbedding(
  pipeline: Pipeline,
  embedding: Float32Array,
  options: CaptionOptions,
  hooks: CaptionHooks = {},
): Promise<Caption> {
  const clip = requireClip(pipeline, pipeline.model.clip);
  const { tokens, steps, learningRate } = { ...defaults, ...options };
  const search = new CaptionSearch(pipeline, clip, normalize(embedding));
  const candidates = readableTokens(pipeline.model.tokenizer);
  const random = new SeededRandom(options.seed, "caption");
  const start = Array.from(
    { length: tokens },
    () => candidates[Math.floor(random.uniform() * candidates.length)]!,
  );

  let soft = await search.embed(start);
  let state = initAdamW(soft.length);
  let best: Caption = { text: "", similarity: Number.NEGATIVE_INFINITY };
  for (let step = 1; step <= steps; step++) {
    hooks.signal?.throwIfAborted();
    const ids = await search.nearest(soft, candidates, tokens);
    const { similarity, gradient } = await search.measure(ids);
    if (similarity > best.similarity) {
      const candidate = await search.readBack(ids);
      if (candidate.similarity > best.similarity) best = candidate;
    }
    const updated = updateAdamW(soft, gradient, state, learningRate, { ...adamWDefaults, weightDecay });
    soft = updated.parameters;
    state = updated.state;
    hooks.onEvent?.({ step, steps, similarity: best.similarity });
  }
  return best;
}

/** @throws VisibleError `no_clip` if `part`, which comes from a CLIP, is missing */
export function requireClip<Part>({ model }: Pipeline, part: Part | undefined): Part {
  if (part === undefined)
    throw new VisibleError(
      "no_clip",
      `${model.folder} has no clip/ folder, which captions require; use --init words instead.`,
    );
  return part;
}

class CaptionSearch {
  readonly #pipeline: Pipeline;
  readonly #clip: ClipModel;
  readonly #image: Float32Array;

  constructor(pipeline: Pipeline, clip: ClipModel, image: Float32Array) {
    this.#pipeline = pipeline;
    this.#clip = clip;
    this.#image = image;
  }

  /** Token embeddings, [N · d]. */
  async embed(ids: readonly number[]): Promise<Float32Array> {
    const session = await this.#pipeline.session(`token embeddings ${ids.length}`, () =>
      optimize(tokenEmbeddingGraph(this.#clip, ids.length)),
    );
    const { embeddings } = await session.run({ ids: BigInt64Array.from(ids, (id) => BigInt(id)) });
    return embeddings!;
  }

  /** The candidate with the highest cosine for each soft embedding. */
  async nearest(soft: Float32Array, candidates: readonly number[], tokens: number): Promise<number[]> {
    const session = await this.#pipeline.session(`vocabulary scores ${tokens}`, () =>
      optimize(vocabularyScoreGraph(this.#clip, tokens)),
    );
    const { scores } = await session.run({ soft });
    const size = this.#clip.config.text_config.vocab_size;
    return Array.from({ length: tokens }, (_, row) =>
      candidates.reduce((best, id) => (scores![row * size + id]! > scores![row * size + best]! ? id : best)),
    );
  }

  async measure(ids: readonly number[]): Promise<{ similarity: number; gradient: Float32Array }> {
    const { bosId, eosId, padId, maxLength } = this.#pipeline.model.tokenizer;
    const padding = Array.from({ length: maxLength - 2 - ids.length }, () => padId);
    const width = this.#clip.config.text_config.hidden_size;
    const all = await this.embed([bosId, ...ids, eosId, ...padding]);
    const end = (1 + ids.length) * width;
    const session = await this.#pipeline.session(`caption loss ${ids.length}`, () =>
      optimize(captionLossGraph(this.#clip, ids.length)),
    );
    const { similarity, gradient } = await session.run({
      bos: all.slice(0, width),
      content: all.slice(width, end),
      rest: all.slice(end),
      image: this.#image,
    });
    return { similarity: similarity![0]!, gradient: gradient! };
  }

  /**
   * The tokens as text, and its similarity after the tokenizer has read it back, because it may split words
   * differently.
   */
  async readBack(ids: readonly number[]): Promise<Caption> {
    const { tokenizer } = this.#pipeline.model;
    const text = spellTokens(tokenizer, ids);
    const { ids: read, length } = tokenizer.encode(text);
    const { similarity } = await this.measure(read.slice(1, 1 + length));
    return { text, similarity };
  }
}

function normalize(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
}
