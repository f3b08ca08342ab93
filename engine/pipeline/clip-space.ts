import { VisibleError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { clipTextEncoder, clipTokenEmbeddings } from "../networks/clip.ts";
import { optimize } from "../rewrite/optimize.ts";
import type { ClipModel } from "./clip-model.ts";
import { hashWeights } from "./hash-weights.ts";
import type { Pipeline } from "./pipeline.ts";

/** Identifies the CLIP model. Scores of different models are not comparable. */
export interface ClipName {
  readonly name: string;
  /** Hash of its weights. */
  readonly weightHash: string;
}

/** Identifies the pipeline's CLIP; undefined if the model folder has none. */
export async function nameClip({ model, modelId }: Pipeline): Promise<ClipName | undefined> {
  if (!model.clip) return undefined;
  const { projection_dim: width, vision_config: vision } = model.clip.config;
  const weightHash = await hashWeights([model.clip.component], model.identities);
  const tower = `ViT-${vision.hidden_size}×${vision.num_hidden_layers}/${vision.patch_size}`;
  return {
    name: `clip/ of ${modelId}: ${tower}, ${vision.image_size} px, ${width} dimensions, weights ${weightHash.slice(0, 8)}`,
    weightHash,
  };
}

/**
 * g: a caption's embedding in CLIP's shared space, not normalized, [p]; undefined if the model folder has no
 * CLIP.
 *
 * @throws VisibleError `text_too_long`
 */
export async function embedCaption(pipeline: Pipeline, caption: string): Promise<Float32Array | undefined> {
  const { clip, tokenizer } = pipeline.model;
  if (!clip) return undefined;
  const { ids, eosIndex, truncatedText } = tokenizer.encode(caption);
  if (truncatedText !== undefined)
    throw new VisibleError(
      "text_too_long",
      `The caption "${caption}" is longer than ${tokenizer.maxLength - 2} tokens; shorten it.`,
    );
  const session = await pipeline.session(`clip text ${ids.length}`, () =>
    optimize(clipTextGraph(clip, ids.length)),
  );
  const { embeddings } = await session.run({ ids: BigInt64Array.from(ids, (id) => BigInt(id)) });
  const width = clip.config.projection_dim;
  return embeddings!.slice(eosIndex * width, (eosIndex + 1) * width);
}

/**
 * ids int64 [1, L] → every position in the shared space, [L, p]; transformers' `CLIPModel` uses the position
 * of the end token.
 */
function clipTextGraph({ config, component }: ClipModel, length: number): Graph {
  const graph = new GraphBuilder("clip_text");
  const m = component.module(graph);
  const { text_config: text, projection_dim: width } = config;
  const ids = graph.input("ids", "int64", [1, length]);
  const hidden = clipTextEncoder(m, text, clipTokenEmbeddings(m, text, ids));
  const projection = m.weight("text_projection.weight", [width, text.hidden_size]);
  graph.output(
    "embeddings",
    graph.matmul(graph.reshape(hidden, [length, text.hidden_size]), projection, { transB: true }),
  );
  return graph.build();
}

/** A difference below this length, relative to its operands, is rounding error and has no direction. */
const negligible = 1e-5;

/** a − b; undefined if they are equal up to rounding. */
export function direction(a: Float32Array, b: Float32Array): Float32Array | undefined {
  const difference = a.map((x, i) => x - b[i]!);
  return length(difference) > negligible * Math.max(length(a), length(b)) ? difference : undefined;
}

export function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (length(a) * length(b));
}

function length(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}
