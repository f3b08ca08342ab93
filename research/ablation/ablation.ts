import type { EditOptions } from "../../engine/editing/edit.ts";
import type { InversionOptions } from "../../engine/inversion/settings.ts";

/** Init words that differ by case. */
export type CaseInit =
  /** A PEZ caption of the first pair's after image, as in the paper. */
  | "caption"
  /** A PEZ caption of the edit, close to f(after) − f(before), as with `visii learn --caption`. */
  | "edit-caption"
  /** The model's phrase nearest to the first pair, as with `visii learn --caption phrase`. */
  | "phrase"
  /** The case's `caption_after`: a caption of the after image by the case's author. */
  | "look"
  /** The case's first text, which describes the edit. */
  | "text";

/** One choice of a setting; all others are the model's defaults. */
export interface Variant {
  /** Name in results and files. */
  readonly name: string;
  /** Label in tables and charts. */
  readonly label: string;
  /** Position on the ablation's axis. */
  readonly x?: number;
  /** Number of pairs to learn from, from the first; 1 when absent. */
  readonly pairs?: number;
  readonly init?: CaseInit;
  readonly learning?: Omit<InversionOptions, "seed" | "init">;
  /** Use the model's guidance and learning rate instead of the loop's own. */
  readonly atModelsRate?: true;
  readonly editing?: Omit<EditOptions, "seed" | "variation">;
}

/** An experiment on one setting: learning and editing with each of its variants. */
export interface Ablation {
  readonly name: string;
  readonly title: string;
  /** One sentence: what is compared and what is fixed. */
  readonly about: string;
  /** The axis, if the variants are numbers. */
  readonly axis?: { readonly label: string; readonly log: boolean };
  /** The variant to which differences are computed. */
  readonly baseline: string;
  readonly variants: readonly Variant[];
}

export function maxPairs({ variants }: Ablation): number {
  return Math.max(...variants.map(({ pairs = 1 }) => pairs));
}
