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

/** Looks up a checkpoint's tensors by name. */
export interface WeightLookup {
  /** Name of the checkpoint in messages: its folder. */
  readonly subject: string;
  /** Prefix of its weights' names in a graph, which may hold several components. */
  readonly label: string;
  /** @param wanted the shape required by the model's config, if known */
  find(name: string, wanted?: Shape): (TensorType & { readonly source: WeightSource }) | undefined;
}

/**
 * A position in a model: the graph for its nodes, and the prefix of its weights. Names in the graph are
 * therefore the checkpoint's keys (`down_blocks.0.resnets.1.conv1.weight`).
 */
export class Module {
  readonly graph: GraphBuilder;
  /** Element type of its arithmetic. */
  readonly dtype: FloatType;
  readonly #weights: WeightLookup;
  readonly #path: string;

  constructor(graph: GraphBuilder, weights: WeightLookup, dtype: FloatType = "float32", path = "") {
    this.graph = graph;
    this.dtype = dtype;
    this.#weights = weights;
    this.#path = path;
  }

  /** Prefix of its weights' names, without the last dot; empty at the root. */
  get path(): string {
    return this.#path;
  }

  /** The submodule `name`, which may contain dots. */
  in(name: string): Module {
    return new Module(this.graph, this.#weights, this.dtype, this.#key(name));
  }

  has(name: string): boolean {
    return this.#weights.find(this.#key(name)) !== undefined;
  }

  /**
   * A weight, cast to the module's type.
   *
   * @throws VisibleError if the checkpoint lacks it or has another shape
   */
  weight(name: string, shape: Shape): Value {
    const key = this.#key(name);
    const found = this.#weights.find(key, shape);
    if (!found)
      throw new VisibleError(
        "incomplete_checkpoint",
        `${this.#weights.subject} has no tensor ${key}; check that config.json belongs to this model and that the download is complete.`,
      );
    if (!sameShape(found.shape, shape))
      throw new VisibleError(
        "mismatched_checkpoint",
        `${this.#weights.subject}: ${key} has shape ${showShape(found.shape)}, but its config.json requires ${showShape(shape)}.`,
      );
    const value = this.graph.weight(`${this.#weights.label}.${key}`, found, found.source);
    return this.graph.scope(key, () => this.graph.cast(value, this.dtype));
  }

  #key(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }
}
