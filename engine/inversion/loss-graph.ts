import { gradient } from "../autodiff/gradient.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphBuilder, type SegmentKind } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import type { InstructionSpace } from "../instruction/instruction.ts";
import { clipLastTextLayer } from "../networks/clip.ts";
import type { TextConditioning } from "../networks/text-attention.ts";
import {
  learnedInput,
  pooledInput,
  predictNoise,
  textWidth,
  type UnetSize,
} from "../pipeline/forward-graphs.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";

export interface LossSettings extends UnetSize {
  readonly space: InstructionSpace;
  /** n: number of learned positions of the text. */
  readonly tokens: number;
  /** s_T, the text guidance scale inside the loss. */
  readonly textGuidance: number;
  /** Weight of L_mse; 4 in the paper. */
  readonly mseWeight: number;
  /** Weight of L_clip; 0.1 in the paper, 0 disables it. */
  readonly clipWeight: number;
  /** Segments that are recomputed in the backward pass; none when absent. */
  readonly recompute?: readonly SegmentKind[];
}

/**
 * The loss of the inversion and its gradient, in one graph:
 *
 *     P     = [BOS, <ins>, rest]                     the text embedding [L, d]; only <ins> [n, d] is trained
 *     e     = frozen + s_T · UNet(z_t, c_I, t, P)    guided prediction; `frozen` holds the other two branches
 *     L_mse = mean (e − target)²                     target: ε, or v for a model that predicts velocity
 *     u     = normalize(W_text · mean over positions of P),   L_clip = clamp(cos(d, u), −1, ½)
 *     loss  = 4·L_mse − 0.1·L_clip
 *
 * In kv space <ins> [n, D] holds keys and values of positions 1 … n for every cross-attention layer. P is the
 * init's embedding, and the keys and values of the other positions are projected from it. P is then constant,
 * so there is no L_clip.
 *
 * In Stable Diffusion XL the pooled text, read at EOS, is constant like EOS itself. L_clip reads the state
 * that CLIP's last layer computes from the first encoder's columns of P.
 *
 * In half precision, scale · loss is differentiated, so that small cotangents do not underflow below 2⁻²⁴,
 * and the gradient is divided by the scale in float32. The other results are not scaled.
 *
 * Inputs: loss_scale [1] in half precision; latents, image, frozen, target [N, C, h, w]; timesteps [N];
 * instruction [n, d] with bos [1, d] and rest [L−1−n, d], or instruction [n, D] with text [L, d]; pooled [1,
 * p] if the model has it; direction [1, p] if there is L_clip. Outputs: loss, mse, cosine (scalars) and
 * gradient, of the instruction's shape.
 */
export function lossGraph(model: ModelFolder, settings: LossSettings): Graph {
  const graph = new GraphBuilder("inversion_loss");
  const { textGuidance, mseWeight, clipWeight } = settings;
  const { instruction, conditioning, embedding } = conditioners[settings.space](graph, model, settings);

  const prediction = predictNoise(graph, model, settings, conditioning);
  const frozen = graph.input("frozen", "float32", prediction.shape);
  const target = graph.input("target", "float32", prediction.shape);
  const guided = graph.add(frozen, graph.mul(prediction, textGuidance));
  const error = graph.sub(guided, target);
  const mse = scalar(graph, graph.reduceMean(graph.mul(error, error), [0, 1, 2, 3]));

  let loss = graph.mul(mse, mseWeight);
  if (model.clip && embedding && clipWeight !== 0) {
    const cosine = directionCosine(graph, model.clip, lastClipState(graph, model, embedding));
    graph.output("cosine", cosine);
    loss = graph.sub(loss, graph.mul(graph.clip(cosine, -1, 0.5), clipWeight));
  }
  graph.output("mse", mse);
  graph.output("loss", loss);
  if (model.precision !== "fp16")
    graph.output("gradient", gradient(graph, loss, [instruction], settings.recompute)[0]!);
  else {
    const scale = graph.input("loss_scale", "float32", [1]);
    const [scaled] = gradient(graph, graph.mul(loss, scale), [instruction], settings.recompute);
    graph.output("gradient", graph.div(scaled!, scale));
  }
  return graph.build();
}

/** Encodes the instruction for the UNet, by space. */
const conditioners: {
  readonly [S in InstructionSpace]: (
    graph: GraphBuilder,
    model: ModelFolder,
    settings: LossSettings,
  ) => {
    readonly instruction: Value;
    readonly conditioning: TextConditioning;
    /** P [L, d], if it depends on the instruction. */
    readonly embedding?: Value;
  };
} = {
  text: (graph, model, { batch, tokens }) => {
    const length = model.tokenizer.maxLength;
    const width = textWidth(model);
    const bos = graph.input("bos", "float32", [1, width]);
    const instruction = graph.input("instruction", "float32", [tokens, width]);
    const rest = graph.input("rest", "float32", [length - 1 - tokens, width]);
    const embedding = graph.concat([bos, instruction, rest], 0);
    const states = forAll(graph, embedding, batch);
    return { instruction, embedding, conditioning: { states, pooled: pooledForAll(graph, model, batch) } };
  },
  kv: (graph, model, { batch, tokens }) => {
    const shape = [model.tokenizer.maxLength, textWidth(model)];
    const states = forAll(graph, graph.input("text", "float32", shape), batch);
    const { input, byAttention } = learnedInput(graph, model, "instruction", tokens, batch);
    const pooled = pooledForAll(graph, model, batch);
    return { instruction: input, conditioning: { states, pooled, learned: byAttention } };
  },
};

/** Repeats one text for every sample. [L, d] → [N, L, d]. */
function forAll(graph: GraphBuilder, embedding: Value, batch: number): Value {
  const [length, width] = embedding.shape as readonly [number, number];
  return graph.expand(graph.reshape(embedding, [1, length, width]), [batch, length, width]);
}

/** Repeats the input `pooled` [1, p] for every sample. */
function pooledForAll(graph: GraphBuilder, model: ModelFolder, batch: number): Value | undefined {
  const pooled = pooledInput(graph, model, 1);
  return pooled && graph.expand(pooled, [batch, pooled.shape[1]!]);
}

/**
 * CLIP's last hidden state [L, d], whose mean L_clip uses. It is P itself, except in Stable Diffusion XL,
 * where the first columns of P are the input of CLIP's last layer.
 */
function lastClipState(graph: GraphBuilder, { text, secondText }: ModelFolder, embedding: Value): Value {
  if (!secondText) return embedding;
  const [length, width] = [embedding.shape[0]!, text.config.hidden_size];
  const first = graph.reshape(graph.slice(embedding, 1, 0, width), [1, length, width]);
  return graph.reshape(clipLastTextLayer(text.component.module(graph), text.config, first), [length, width]);
}

/** cos(d, W_text · mean P) with the input `direction` d [1, p] of length 1. embedding [L, d] → scalar [1]. */
function directionCosine(
  graph: GraphBuilder,
  clip: NonNullable<ModelFolder["clip"]>,
  embedding: Value,
): Value {
  const width = clip.config.projection_dim;
  const direction = graph.input("direction", "float32", [1, width]);
  const projection = clip.component
    .module(graph)
    .weight("text_projection.weight", [width, embedding.shape[1]!]);
  const mean = graph.reduceMean(embedding, [0]);
  const projected = graph.matmul(mean, projection, { transB: true });
  const length = graph.sqrt(graph.reduceSum(graph.mul(projected, projected), [0, 1]));
  return scalar(graph, graph.div(graph.reduceSum(graph.mul(projected, direction), [0, 1]), length));
}

function scalar(graph: GraphBuilder, x: Value): Value {
  return graph.reshape(x, [1]);
}
