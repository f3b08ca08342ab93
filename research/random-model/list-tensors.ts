import { GraphBuilder } from "../../engine/graph/graph-builder.ts";
import type { Shape } from "../../engine/graph/value.ts";
import { Module } from "../../engine/networks/module.ts";

/** A tensor of a checkpoint without its elements. `I64` are CLIP's `position_ids`; the rest are weights. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly kind: "float" | "position_ids";
}

/**
 * The tensors that a model's code requests. Its graph is built with a checkpoint that contains every
 * requested tensor in the requested shape, so the list always matches what the engine reads.
 *
 * @param absent optional tensors that the published checkpoints lack (`has` is false for them)
 */
export function listTensors(write: (m: Module) => void, absent: RegExp): TensorSpec[] {
  const asked = new Map<string, Shape>();
  const everything = {
    subject: "a checkpoint to be",
    label: "",
    find(name: string, wanted?: Shape) {
      if (absent.test(name)) return undefined;
      if (wanted) asked.set(name, wanted);
      const shape = wanted ?? [];
      return { dtype: "float32", shape, source: { file: "", byteOffset: 0, byteLength: 0 } } as const;
    },
  };
  write(new Module(new GraphBuilder("list"), everything));
  return [...asked].map(([name, shape]) => ({ name, shape, kind: "float" }));
}

/** The integers 0 … count − 1 that transformers stored in CLIP checkpoints until 2023. */
export function positionIds(tower: string, count: number): TensorSpec {
  return { name: `${tower}.embeddings.position_ids`, shape: [1, count], kind: "position_ids" };
}
