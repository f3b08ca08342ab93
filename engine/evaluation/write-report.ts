import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import { caseSheet } from "./case-sheet.ts";
import type { CaseFiles } from "./evaluation-case.ts";
import { type CaseInputs, writeInputImages } from "./input-images.ts";
import { openCase } from "./open-case.ts";
import type { Report } from "./report.ts";
import { reportHtml } from "./report-html.ts";

const pageName = "index.html";
const resultsName = "results.json";
const sheetName = "sheet.jpg";

const ownResults = z.object({ formatVersion: z.literal(1), finished: z.array(z.unknown()) });

/** @throws VisibleError `out_in_use` if the folder contains a page or results that visii did not write */
export async function requireOwnFolder(out: string): Promise<void> {
  const results = await readFile(join(out, resultsName), "utf8").catch(() => undefined);
  const taken =
    results === undefined
      ? (await stat(join(out, pageName)).catch(() => undefined)) && pageName
      : !isOwn(results) && resultsName;
  if (taken)
    throw new VisibleError(
      "out_in_use",
      `${join(out, taken)} exists and was not written by visii eval; choose another folder with --out.`,
    );
}

function isOwn(text: string): boolean {
  try {
    return ownResults.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/**
 * Writes results.json and, for cases with results, index.html and sheet.jpg. Returns the paths of the first
 * two.
 */
export async function writeReport(
  out: string,
  report: Report,
  cases: readonly CaseFiles[],
): Promise<{ readonly page: string; readonly results: string }> {
  const given: CaseInputs[] = [];
  for (const files of cases)
    if (report.finished.some((work) => work.case === files.name))
      given.push(await writeInputImages(out, await openCase(files)));
  const [page, results] = [join(out, pageName), join(out, resultsName)];
  // Write the results first, because they mark the folder as written by visii.
  await writeAtomically(results, `${JSON.stringify(report, null, 2)}\n`);
  await writeAtomically(page, reportHtml(report, given));
  if (given.length) await writeAtomically(join(out, sheetName), await caseSheet(out, report, given));
  return { page, results };
}
