import type { TensorSpec } from "./list-tensors.ts";

/** A file of weights and its configuration. */
export interface ComponentLayout {
  /** Its folder within the model folder. */
  readonly folder: string;
  /** File name of the weights without extension. */
  readonly weights: "diffusion_pytorch_model" | "model";
  /** Its JSON files by name, including `config.json`. */
  readonly configs: Readonly<Record<string, unknown>>;
  tensors(): readonly TensorSpec[];
  /**
   * First label of its random draws. Components with one label share tensors of the same name: in Stable
   * Diffusion the text encoder is CLIP's text tower.
   */
  readonly label: string;
}

/** The files of a published model, without the values of its weights. */
export interface ModelLayout {
  /** `model_index.json`. */
  readonly index: unknown;
  readonly scheduler: unknown;
  /** `visii.json`, which published models lack. */
  readonly defaults?: unknown;
  readonly tokenizers: readonly TokenizerLayout[];
  readonly components: readonly ComponentLayout[];
}

interface TokenizerLayout {
  readonly folder: string;
  /** Number of tokens, including the 512 byte symbols and two special tokens. */
  readonly vocabularySize: number;
  readonly maxLength: number;
  /** The padding token; the end token when absent. */
  readonly padToken?: string;
}
