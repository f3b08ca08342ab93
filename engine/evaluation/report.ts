import type { ClipName } from "../pipeline/clip-space.ts";
import type { CaseFiles } from "./evaluation-case.ts";
import type { Finished } from "./finished-work.ts";
import { fitFinding } from "./fit-finding.ts";
import { type Method, methodName, whatIsMissing } from "./method.ts";
import { compare, type SummaryRow, summarize } from "./summarize.ts";

/** The outcome of an evaluation, as stored in `results.json`. */
export interface Report {
  readonly formatVersion: 1;
  readonly set: string;
  readonly model: { readonly id: string; readonly weightHash: string };
  /** The CLIP model of the CLIP scores; null if the model folder has none. */
  readonly clip: ClipName | null;
  readonly settings: object;
  readonly seeds: readonly number[];
  readonly complete: boolean;
  /** Comparison of learning with a fit of the pair; null without both. */
  readonly finding: string | null;
  /** Means over cases. */
  readonly table: readonly SummaryRow[];
  /** Differences to a baseline by case; null if there is nothing to compare. */
  readonly differences: Differences | null;
  /** The same tables for each group of cases. */
  readonly groups: readonly GroupTables[];
  /** Notes on the tables. */
  readonly notes: readonly string[];
  readonly finished: readonly Finished[];
}

interface Differences {
  readonly baseline: string;
  readonly rows: readonly SummaryRow[];
}

interface GroupTables {
  readonly name: string;
  /** Names of its cases, in the order of the set. */
  readonly cases: readonly string[];
  readonly finding: string | null;
  readonly table: readonly SummaryRow[];
  readonly differences: Differences | null;
}

export interface ReportSubject extends Pick<Report, "set" | "model" | "clip" | "settings" | "seeds"> {
  readonly cases: readonly CaseFiles[];
  readonly methods: readonly Method[];
}

/** With fewer cases the bootstrap's intervals are too narrow. */
const fewCases = 8;

export function makeReport(
  { cases, methods, ...subject }: ReportSubject,
  { finished, complete }: { readonly finished: readonly Finished[]; readonly complete: boolean },
): Report {
  const names = methods.map(methodName);
  return {
    formatVersion: 1,
    ...subject,
    complete,
    ...tablesOf(finished, names),
    groups: groupsOf(cases).map((group) => ({
      ...group,
      ...tablesOf(
        finished.filter((work) => group.cases.includes(work.case)),
        names,
      ),
    })),
    notes: [
      ...(complete ? [] : ["Incomplete: the run was stopped. To continue, run the same command again."]),
      "Mean over cases [95 % interval]; a case counts once, as the mean of its photos and seeds.",
      ...(cases.length < fewCases
        ? [`With only ${cases.length} ${cases.length === 1 ? "case" : "cases"} the intervals are too narrow.`]
        : []),
      subject.clip
        ? `CLIP scores use ${subject.clip.name}; scores of another CLIP are not comparable.`
        : "The model folder has no clip/, so there are no CLIP scores.",
      ...(names.includes("text")
        ? [
            "text is the best of each case's texts, chosen on its first pair: by the PSNR of the edited before to the after.",
          ]
        : []),
      ...(names.some((name) => name.startsWith("fit-"))
        ? [
            "fit is a least-squares fit to the first pair: fit-cubic of colors, fit-local of colors, position and neighborhood.",
          ]
        : []),
      ...(names.includes("hybrid")
        ? ["hybrid adds words, so it does not aim at the true edit and has no PSNR and SSIM."]
        : []),
      ...methods.flatMap((method) => leftOut(method, cases)),
    ],
    finished,
  };
}

function tablesOf(
  finished: readonly Finished[],
  methods: readonly string[],
): Pick<Report, "finding" | "table" | "differences"> {
  const baseline = ["text", "unedited"].find((name) => finished.some(({ method }) => method === name));
  const rows = baseline === undefined ? [] : compare(finished, methods, baseline);
  return {
    finding: fitFinding(finished, methods) ?? null,
    table: summarize(finished, methods),
    differences: baseline === undefined || !rows.length ? null : { baseline, rows },
  };
}

function groupsOf(cases: readonly CaseFiles[]): Pick<GroupTables, "name" | "cases">[] {
  const names = [...new Set(cases.flatMap(({ description }) => description.group ?? []))];
  return names.map((name) => ({
    name,
    cases: cases.filter(({ description }) => description.group === name).map((one) => one.name),
  }));
}

/** Lists the cases for which a method was skipped. */
function leftOut(method: Method, cases: readonly CaseFiles[]): string[] {
  const lacking = cases.flatMap((one) => {
    const missing = whatIsMissing(method, one);
    return missing === undefined ? [] : [`${one.name} (${missing})`];
  });
  return lacking.length ? [`${methodName(method)} was left out for ${lacking.join(", ")}.`] : [];
}
