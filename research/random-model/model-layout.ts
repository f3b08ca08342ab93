import type { TensorSpec } from "./list-tensors.ts";

/** One file of weights, and the configuration beside it. */
export interface ComponentLayout {
  /** Its folder in the model's. */
  readonly folder: string;
  /** Name of the weights' file without its ending. */
  readonly weights: "diffusion_pytorch_model" | "model";
  /** Its JSON files by name: at least `config.json`. */
  readonly configs: Readonly<Record<string, unknown>>;
  tensors(): readonly TensorSpec[];
  /**
   * Begins the path of labels that its random draws hang on. Two components of one label share the tensors of one name (in
   * Stable Diffusion the text encoder *is* CLIP's text tower).
   */
  readonly label: string;
}

/** A published model as files: everything but the numbers in its weights. */
export interface ModelLayout {
  /** `model_index.json`. */
  readonly index: unknown;
  readonly scheduler: unknown;
  /** `visii.json`, which published models do not have. */
  readonly defaults?: unknown;
  readonly tokenizers: readonly TokenizerLayout[];
  readonly components: readonly ComponentLayout[];
}

interface TokenizerLayout {
  readonly folder: string;
  /** Tokens, the 512 byte symbols and two specials included. */
  readonly vocabularySize: number;
  readonly maxLength: number;
  /** What fills a text up; the end marker when absent. */
  readonly padToken?: string;
}
