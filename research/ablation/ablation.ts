import type { EditOptions } from "../../engine/editing/edit.ts";
import type { InversionOptions } from "../../engine/inversion/settings.ts";

/** What learning starts from: words that differ from case to case. */
export type CaseInit =
  /** A caption of the first pair's after image by PEZ: the paper's choice. */
  | "caption"
  /** Words for the edit by PEZ, near f(after) − f(before), as `visii learn --caption` finds them. */
  | "edit-caption"
  /** The model's phrase that is nearest to the first pair, as `visii learn --caption phrase` finds it. */
  | "phrase"
  /** The case's `caption_after`: a caption of the after image that says its look, as the case's maker knows it. */
  | "look"
  /** The case's first text: words that say the edit, as far as words can. */
  | "text";

/** One choice of a setting, everything else being the model's recommendation. */
export interface Variant {
  /** A word that names it in results and files. */
  readonly name: string;
  /** As tables and plots show it. */
  readonly label: string;
  /** Its place on the ablation's axis. */
  readonly x?: number;
  /** Learned from the case's first N pairs; 1 when absent. */
  readonly pairs?: number;
  readonly init?: CaseInit;
  readonly learning?: Omit<InversionOptions, "seed" | "init">;
  /** Learn at the model's own guidance and learning rate, where `learning` would have others. */
  readonly atModelsRate?: true;
  readonly editing?: Omit<EditOptions, "seed" | "variation">;
}

/** A question about one setting, answered by learning and editing under each choice of it. */
export interface Ablation {
  readonly name: string;
  readonly title: string;
  /** One sentence: what is compared and what is held. */
  readonly about: string;
  /** Where the variants are numbers: their axis. */
  readonly axis?: { readonly label: string; readonly log: boolean };
  /** The variant that the others' differences are taken to. */
  readonly baseline: string;
  readonly variants: readonly Variant[];
}

export function maximumPairs({ variants }: Ablation): number {
  return Math.max(...variants.map(({ pairs = 1 }) => pairs));
}
