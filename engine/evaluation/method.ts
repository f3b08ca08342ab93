import { type FeatureSet, featureSets } from "../baselines/edit-features.ts";
import { VisibleError } from "../errors.ts";
import type { InstructionSpace } from "../instruction/instruction.ts";
import type { CaseDescription } from "./evaluation-case.ts";

/** A method of editing a case's test photos. */
export type Method =
  /** The unedited photo, the trivial baseline. */
  | { readonly kind: "unedited" }
  /** The best of the case's texts, selected on its first pair. */
  | { readonly kind: "text" }
  /** A least-squares fit of the first pair: colors, or colors and local features. No diffusion. */
  | { readonly kind: "fit"; readonly features: FeatureSet }
  /** The pair encoder's output for the first `pairs` pairs, without learning. */
  | { readonly kind: "pair"; readonly pairs: number }
  /** An instruction learned from the first `pairs` pairs. `space` and start override the settings. */
  | {
      readonly kind: "learned";
      readonly pairs: number;
      readonly space?: InstructionSpace;
      readonly start?: "words";
    }
  /** An instruction learned from the first pair, combined with the case's words. */
  | { readonly kind: "hybrid" };

/** Default methods. @param hasPairEncoder whether the model has a pair encoder */
export function defaultMethods(hasPairEncoder: boolean): string {
  return hasPairEncoder ? "unedited,fit,text,pair,learned,learned-words" : "unedited,fit,text,learned";
}

/** Returns true if results depend on the seed. */
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

/**
 * Parses `unedited,fit,text,learned-4,hybrid` and removes duplicates. @throws VisibleError `invalid_option`
 */
export function parseMethods(list: string): Method[] {
  const methods = list.split(",").flatMap((word) => parseMethod(word.trim()));
  return [...new Map(methods.map((method) => [methodName(method), method])).values()];
}

/** `fit` expands to every kind of fit. */
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
      `Unknown method "${name}"; use unedited, text, fit (fit-cubic and fit-local), hybrid, pair, learned, learned-words, learned-kv or learned-words-kv; the last five accept -N for N pairs.`,
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

/** Returns the missing input of a case for a method, or undefined if nothing is missing. */
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
