import { gradient } from "../autodiff/gradient.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { clipTextEncoder, clipTokenEmbeddings, textTower } from "../networks/clip.ts";
import type { ClipModel } from "../pipeline/clip-model.ts";

/**
 * Similarity of a text of `tokens` tokens and an image, and its gradient with respect to the token
 * embeddings.
 *
 * Inputs: `content` [n, d], the token embeddings of the text; `bos` [1, d]; `rest` [L−1−n, d], the token
 * embeddings of EOS and padding; `image` [1, p], the image embedding, of length 1. Outputs: `similarity`,
 * their cosine [1], and `gradient` [n, d] of the loss 1 − similarity.
 */
export function captionLossGraph(clip: ClipModel, tokens: number): Graph {
  const graph = new GraphBuilder("caption_loss");
  const { text_config: config, projection_dim: width } = clip.config;
  const m = clip.component.module(graph);
  const rows = config.max_position_embeddings - 1 - tokens;
  const bos = graph.input("bos", "float32", [1, config.hidden_size]);
  const content = graph.input("content", "float32", [tokens, config.hidden_size]);
  const rest = graph.input("rest", "float32", [rows, config.hidden_size]);
  const image = graph.input("image", "float32", [1, width]);

  const embeddings = graph.concat([bos, content, rest], 0);
  const hidden = clipTextEncoder(
    m,
    config,
    graph.reshape(embeddings, [1, 1 + tokens + rows, config.hidden_size]),
  );
  const pooled = graph.reshape(graph.slice(hidden, 1, tokens + 1, tokens + 2), [1, config.hidden_size]);
  const projection = m.weight("text_projection.weight", [width, config.hidden_size]);
  const text = graph.matmul(pooled, projection, { transB: true });
  const length = graph.sqrt(total(graph, graph.mul(text, text)));
  const similarity = graph.div(total(graph, graph.mul(text, image)), length);
  graph.output("similarity", similarity);
  graph.output("gradient", gradient(graph, graph.sub(1, similarity), [content])[0]!);
  return graph.build();
}

/** ids int64 [N] → token embeddings [N, d]. */
export function tokenEmbeddingGraph({ config, component }: ClipModel, count: number): Graph {
  const graph = new GraphBuilder("token_embeddings");
  const ids = graph.input("ids", "int64", [count]);
  graph.output("embeddings", clipTokenEmbeddings(component.module(graph), config.text_config, ids));
  return graph.build();
}

/**
 * soft [n, d] → cosine with every token of the vocabulary, times the length of the soft embedding: scores [n,
 * V].
 */
export function vocabularyScoreGraph({ config, component }: ClipModel, tokens: number): Graph {
  const graph = new GraphBuilder("vocabulary_scores");
  const { vocab_size: size, hidden_size: width } = config.text_config;
  const soft = graph.input("soft", "float32", [tokens, width]);
  const tower = textTower(component.module(graph));
  const table = tower.weight("embeddings.token_embedding.weight", [size, width]);
  const lengths = graph.sqrt(graph.add(graph.reduceSum(graph.mul(table, table), [1]), 1e-12));
  graph.output("scores", graph.matmul(soft, graph.div(table, lengths), { transB: true }));
  return graph.build();
}

function total(graph: GraphBuilder, x: Value): Value {
  return graph.reshape(graph.reduceSum(x, [0, 1]), [1]);
}
