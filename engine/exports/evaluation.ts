/** Evaluation of methods on a set of cases. */
export { type EvaluationPlan, evaluate } from "../evaluation/evaluate.ts";
export type { CaseFiles } from "../evaluation/evaluation-case.ts";
export {
  defaultMethods,
  type Method,
  methodName,
  parseMethods,
  whatIsMissing,
} from "../evaluation/method.ts";
export { openCase } from "../evaluation/open-case.ts";
export { readSet } from "../evaluation/read-set.ts";
export { makeReport, type Report } from "../evaluation/report.ts";
export { reportText } from "../evaluation/report-text.ts";
export { describeSettings } from "../evaluation/result-keys.ts";
export { requireOwnFolder, writeReport } from "../evaluation/write-report.ts";
export { nameClip } from "../pipeline/clip-space.ts";
