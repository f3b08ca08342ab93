import { VisibleError } from "../../engine/errors.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";

/**
 * `8` selects eight evenly spaced cases, `night,grade` selects cases by name.
 *
 * @throws VisibleError `invalid_option` for an unknown name
 */
export function chooseCases(cases: readonly CaseFiles[], choice: string | undefined): readonly CaseFiles[] {
  if (choice === undefined) return cases;
  if (/^[1-9]\d*$/.test(choice.trim())) {
    const count = Math.min(cases.length, Number(choice));
    return Array.from({ length: count }, (_, i) => cases[Math.floor(((i + 0.5) * cases.length) / count)]!);
  }
  const names = choice.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !cases.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new VisibleError(
      "invalid_option",
      `The set has no case "${unknown}"; it has ${cases.map(({ name }) => name).join(", ")}.`,
    );
  return cases.filter(({ name }) => names.includes(name));
}
