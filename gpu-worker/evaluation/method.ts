import { VisibleError } from "../../shared/errors.ts";
import type { CaseDescription } from "./evaluation-case.ts";

/** A way of editing a case's test photos. */
export type Method =
  /** The photo as it is: what any edit must beat. */
  | { readonly kind: "unedited" }
  /** The best of the case's texts, chosen on its first pair. */
  | { readonly kind: "text" }
  /** An instruction learned from the first `pairs` pairs. */
  | { readonly kind: "learned"; readonly pairs: number }
  /** An instruction learned from the first pair, with the case's words behind it. */
  | { readonly kind: "hybrid" };

export const defaultMethods = "unedited,text,learned";

export function methodName(method: Method): string {
  return method.kind === "learned" && method.pairs > 1 ? `learned-${method.pairs}` : method.kind;
}

/** `unedited,text,learned,learned-4,hybrid` → methods, in that order, each once. @throws VisibleError `invalid_option` */
export function parseMethods(list: string): Method[] {
  const methods = list.split(",").map((word) => parseMethod(word.trim()));
  return [...new Map(methods.map((method) => [methodName(method), method])).values()];
}

function parseMethod(name: string): Method {
  if (name === "unedited" || name === "text" || name === "hybrid") return { kind: name };
  const learned = /^learned(?:-([1-9]\d{0,3}))?$/.exec(name);
  if (!learned)
    throw new VisibleError(
      "invalid_option",
      `"${name}" is no method; there are unedited, text, learned, learned-N (N pairs) and hybrid.`,
    );
  return { kind: "learned", pairs: Number(learned[1] ?? 1) };
}

/** What a case lacks for a method; undefined when it has all of it. */
export function whatIsMissing(
  method: Method,
  { pairs, description }: { readonly pairs: readonly unknown[]; readonly description: CaseDescription },
): string | undefined {
  switch (method.kind) {
    case "unedited":
      return undefined;
    case "text":
      return description.texts ? undefined : 'no "texts" in case.json';
    case "hybrid":
      return description.words === undefined ? 'no "words" in case.json' : undefined;
    case "learned":
      return pairs.length < method.pairs ? `${pairs.length} of ${method.pairs} pairs` : undefined;
  }
}
