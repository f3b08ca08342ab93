import { type FeatureSet, featureSets } from "../baselines/edit-features.ts";
import { VisibleError } from "../errors.ts";
import type { InstructionSpace } from "../instruction/instruction.ts";
import type { CaseDescription } from "./evaluation-case.ts";

/** A way of editing a case's test photos. */
export type Method =
  /** The photo as it is: what any edit must beat. */
  | { readonly kind: "unedited" }
  /** The best of the case's texts, chosen on its first pair. */
  | { readonly kind: "text" }
  /** A least-squares fit of the first pair's colors, or of its colors and local features: no diffusion. */
  | { readonly kind: "fit"; readonly features: FeatureSet }
  /** What the model's pair encoder reads off the first `pairs` pairs, as it is. */
  | { readonly kind: "pair"; readonly pairs: number }
  /**
   * An instruction learned from the first `pairs` pairs, in a space of its own or that of the settings; from the model's words, or
   * from where the settings or the model start.
   */
  | {
      readonly kind: "learned";
      readonly pairs: number;
      readonly space?: InstructionSpace;
      readonly start?: "words";
    }
  /** An instruction learned from the first pair, with the case's words behind it. */
  | { readonly kind: "hybrid" };

/** What is measured unless methods are named. @param hasPairEncoder whether the model has one */
export function defaultMethods(hasPairEncoder: boolean): string {
  return hasPairEncoder ? "unedited,fit,text,pair,learned,learned-words" : "unedited,fit,text,learned";
}

/** Whether seeds make a difference to it. */
export function isSeeded({ kind }: Method): boolean {
  return kind !== "unedited" && kind !== "fit";
}

export function methodName(method: Method): string {
  if (method.kind === "fit") return `fit-${method.features}`;
  if (method.kind !== "learned" && method.kind !== "pair") return method.kind;
  const { kind, pairs } = method;
  const { start, space } = method.kind === "learned" ? method : {};
  return [kind, ...(start ? [start] : []), ...(space ? [space] : []), ...(pairs > 1 ? [pairs] : [])].join(
    "-",
  );
}

/** `unedited,fit,text,learned-4,hybrid` → methods, in that order, each once. @throws VisibleError `invalid_option` */
export function parseMethods(list: string): Method[] {
  const methods = list.split(",").flatMap((word) => parseMethod(word.trim()));
  return [...new Map(methods.map((method) => [methodName(method), method])).values()];
}

/** `fit` stands for every kind of fit. */
function parseMethod(name: string): readonly Method[] {
  if (name === "unedited" || name === "text" || name === "hybrid") return [{ kind: name }];
  const fits = featureSets.filter((features) => name === "fit" || name === `fit-${features}`);
  if (fits.length) return fits.map((features) => ({ kind: "fit", features }));
  const pair = /^pair(?:-([1-9]\d{0,3}))?$/.exec(name);
  if (pair) return [{ kind: "pair", pairs: Number(pair[1] ?? 1) }];
  const learned = /^learned(-words)?(-kv)?(?:-([1-9]\d{0,3}))?$/.exec(name);
  if (!learned)
    throw new VisibleError(
      "invalid_option",
      `"${name}" is no method; there are unedited, text, fit (fit-cubic and fit-local), pair, learned, learned-words, learned-kv, learned-words-kv, each of these four also with -N for N pairs, and hybrid.`,
    );
  const [, words, kv, pairs = 1] = learned;
  return [
    {
      kind: "learned",
      pairs: Number(pairs),
      ...(kv ? { space: "kv" } : {}),
      ...(words ? { start: "words" } : {}),
    },
  ];
}

/** What a case lacks for a method; undefined when it has all of it. */
export function whatIsMissing(
  method: Method,
  { pairs, description }: { readonly pairs: readonly unknown[]; readonly description: CaseDescription },
): string | undefined {
  switch (method.kind) {
    case "unedited":
    case "fit":
      return undefined;
    case "text":
      return description.texts ? undefined : 'no "texts" in case.json';
    case "hybrid":
      return description.words === undefined ? 'no "words" in case.json' : undefined;
    case "pair":
    case "learned":
      return pairs.length < method.pairs ? `${pairs.length} of ${method.pairs} pairs` : undefined;
  }
}
