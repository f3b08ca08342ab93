import { VisibleError } from "../errors.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { TensorType } from "../graph/shape-rules.ts";
import {
  type FloatType,
  type Shape,
  sameShape,
  showShape,
  type Value,
  type WeightSource,
} from "../graph/value.ts";

/** Finds a checkpoint's tensors by name. */
export interface WeightLookup {
  /** What the checkpoint is called in messages: its folder. */
  readonly subject: string;
  /** Begins the names of its weights in a graph, which may hold several components. */
  readonly label: string;
  /** @param wanted the shape that the model's config asks for, where one is asked for */
  find(name: string, wanted?: Shape): (TensorType & { readonly source: WeightSource }) | undefined;
}

/**
 * A place in a model: where its nodes are written and under which prefix its weights are found, so that names in the
 * graph are the checkpoint's own keys (`down_blocks.0.resnets.1.conv1.weight`).
 */
export class Module {
  readonly graph: GraphBuilder;
  /** What its arithmetic is done in. */
  readonly dtype: FloatType;
  readonly #weights: WeightLookup;
  readonly #path: string;

  constructor(graph: GraphBuilder, weights: WeightLookup, dtype: FloatType = "float32", path = "") {
    this.graph = graph;
    this.dtype = dtype;
    this.#weights = weights;
    this.#path = path;
  }

  /** The prefix of its weights' names, without the last dot; empty at the root. */
  get path(): string {
    return this.#path;
  }

  /** The submodule `name` (dots go deeper). */
  in(name: string): Module {
    return new Module(this.graph, this.#weights, this.dtype, this.#key(name));
  }

  has(name: string): boolean {
    return this.#weights.find(this.#key(name)) !== undefined;
  }

  /**
   * A weight in the module's type, whatever it is stored as.
   *
   * @throws VisibleError if the checkpoint lacks it or holds another shape
   */
  weight(name: string, shape: Shape): Value {
    const key = this.#key(name);
    const found = this.#weights.find(key, shape);
    if (!found)
      throw new VisibleError(
        "incomplete_checkpoint",
        `${this.#weights.subject} has no tensor ${key}; its config.json describes another model, or it is incomplete.`,
      );
    if (!sameShape(found.shape, shape))
      throw new VisibleError(
        "mismatched_checkpoint",
        `${this.#weights.subject}: ${key} is ${showShape(found.shape)}, its config.json asks for ${showShape(shape)}.`,
      );
    const value = this.graph.weight(`${this.#weights.label}.${key}`, found, found.source);
    return this.graph.scope(key, () => this.graph.cast(value, this.dtype));
  }

  #key(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }
}
