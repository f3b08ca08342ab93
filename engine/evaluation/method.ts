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
  /** An instruction learned from the first `pairs` pairs, in a space of its own or that of the settings. */
  | { readonly kind: "learned"; readonly pairs: number; readonly space?: InstructionSpace }
  /** An instruction learned from the first pair, with the case's words behind it. */
  | { readonly kind: "hybrid" };

export const defaultMethods = "unedited,fit,text,learned";

/** Whether seeds make a difference to it. */
export function isSeeded({ kind }: Method): boolean {
  return kind !== "unedited" && kind !== "fit";
}

export function methodName(method: Method): string {
  if (method.kind === "fit") return `fit-${method.features}`;
  if (method.kind !== "learned") return method.kind;
  const { space, pairs } = method;
  return ["learned", ...(space ? [space] : []), ...(pairs > 1 ? [pairs] : [])].join("-");
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
  const learned = /^learned(-kv)?(?:-([1-9]\d{0,3}))?$/.exec(name);
  if (!learned)
    throw new VisibleError(
      "invalid_option",
      `"${name}" is no method; there are unedited, text, fit (fit-cubic and fit-local), learned, learned-N (N pairs), learned-kv, learned-kv-N and hybrid.`,
    );
  return [{ kind: "learned", pairs: Number(learned[2] ?? 1), ...(learned[1] ? { space: "kv" } : {}) }];
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
    case "learned":
      return pairs.length < method.pairs ? `${pairs.length} of ${method.pairs} pairs` : undefined;
  }
}
