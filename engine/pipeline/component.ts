import { basename } from "node:path";
import { VisibleError } from "../errors.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { DType, FloatType } from "../graph/value.ts";
import { Module, type WeightLookup } from "../networks/module.ts";
import { type Checkpoint, openCheckpoint } from "../weights/checkpoint.ts";

/** A component of a model folder (`unet`, `vae`, …) and its weights. */
export class Component {
  readonly checkpoint: Checkpoint;
  readonly #lookup: WeightLookup;

  private constructor(checkpoint: Checkpoint) {
    this.checkpoint = checkpoint;
    this.#lookup = {
      subject: checkpoint.folder,
      label: basename(checkpoint.folder),
      find: (name) => {
        if (!checkpoint.names.has(name)) return undefined;
        const { file, entry } = checkpoint.tensor(name);
        const dtype = floatTypes[entry.dtype];
        if (!dtype)
          throw new VisibleError(
            "unsupported_dtype",
            `${file.path}: ${name} is stored as ${entry.dtype}; supported are F32, F16 and BF16.`,
          );
        const { byteOffset, byteLength } = entry;
        return { dtype, shape: entry.shape, source: { file: file.path, byteOffset, byteLength } };
      },
    };
  }

  static async open(folder: string, weights: string): Promise<Component> {
    return new Component(await openCheckpoint(folder, weights));
  }

  /** The component's root module, for adding its nodes to `graph`. */
  module(graph: GraphBuilder, dtype: FloatType = "float32"): Module {
    return new Module(graph, this.#lookup, dtype);
  }
}

const floatTypes: Readonly<Record<string, DType>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };
