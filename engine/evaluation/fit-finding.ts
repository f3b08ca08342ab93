import { bootstrapMean } from "./bootstrap.ts";
import type { Finished } from "./finished-work.ts";
import { showScore } from "./format-table.ts";
import { caseValues } from "./summarize.ts";

/**
 * A sentence that compares the first learning method with the better fit of each case, by PSNR; undefined
 * without both. The better fit is selected with the true edit, which favors the fit.
 *
 * @param methods names, in the order of the tables
 */
export function fitFinding(finished: readonly Finished[], methods: readonly string[]): string | undefined {
  const present = methods.filter((name) => finished.some((w) => w.method === name));
  const learner =
    present.find((name) => name.startsWith("learned")) ?? present.find((name) => name.startsWith("pair"));
  const fits = methods.filter((name) => name.startsWith("fit-"));
  if (learner === undefined) return undefined;
  const learned = caseValues(finished, learner, "psnr");
  const fitted = fits.map((name) => caseValues(finished, name, "psnr"));
  const differences = [...learned].flatMap(([name, value]) => {
    const own = fitted.flatMap((values) => values.get(name) ?? []);
    return own.length ? [value - Math.max(...own)] : [];
  });
  if (!differences.length) return undefined;
  const { mean, low, high } = bootstrapMean(differences);
  const count = differences.length;
  const won = differences.filter((difference) => difference < 0).length;
  const show = (value: number) => showScore("psnr", value);
  const [from, to] = mean < 0 ? [-high, -low] : [low, high];
  const interval = count > 1 ? ` [${show(from)}, ${show(to)}]` : "";
  const figures = `${show(Math.abs(mean))} dB${interval} on average`;
  const cases = (n: number) => `${n} of ${count} ${count === 1 ? "case" : "cases"}`;
  const which = `the better fit (${fits.join(" or ")}, selected by the true edit)`;
  return mean < 0
    ? `The fit wins: ${which} is closer to the true edit than ${learner} on ${cases(won)}, by ${figures}.`
    : `${learner} is closer to the true edit than ${which} on ${cases(count - won)}, by ${figures}.`;
}
