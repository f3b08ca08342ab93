import { join } from "node:path";
import { VisibleError } from "../errors.ts";
import { ensureWritableFolder } from "../files/write-atomically.ts";
import { resolveSettings } from "../inversion/settings.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { doWork, type EvaluationHooks } from "./do-work.ts";
import { type CaseFiles, captionsOf, type OpenCase } from "./evaluation-case.ts";
import { type Finished, FinishedWork } from "./finished-work.ts";
import { CaseMeasure } from "./measure.ts";
import { isSeeded, type Method, whatIsMissing } from "./method.ts";
import { openCase } from "./open-case.ts";
import { type EvaluationSettings, learningOptions, ResultKeys } from "./result-keys.ts";

export interface EvaluationPlan {
  readonly cases: readonly CaseFiles[];
  readonly methods: readonly Method[];
  /** Learning and editing run once for every seed; methods without randomness run once. */
  readonly seeds: readonly number[];
  readonly settings: EvaluationSettings;
  /** Folder for images, instructions and finished results. */
  readonly out: string;
  /** Decodes a case; replaces the default. */
  open?(files: CaseFiles): Promise<OpenCase>;
}

interface Evaluation {
  readonly finished: readonly Finished[];
  /** Number of results reused from an earlier run. */
  readonly reused: number;
  readonly complete: boolean;
}

interface PlannedWork {
  readonly files: CaseFiles;
  readonly method: Method;
  readonly seed: number;
}

/** The work items, by case. A method is skipped for cases that lack its inputs. */
function listWork({ cases, methods, seeds }: EvaluationPlan): PlannedWork[] {
  return cases.flatMap((files) =>
    methods
      .filter((method) => whatIsMissing(method, files) === undefined)
      .flatMap((method) => (isSeeded(method) ? seeds : [0]).map((seed) => ({ files, method, seed }))),
  );
}

/**
 * Edits every case's photos by every method and seed, and measures the results. Each result is stored under a
 * hash of all inputs as soon as it is done, and reused by later runs.
 *
 * @throws VisibleError before any work if the model cannot accept a text or an option
 */
export async function evaluate(
  pipeline: Pipeline,
  plan: EvaluationPlan,
  hooks: EvaluationHooks = {},
): Promise<Evaluation> {
  requireTextsFit(pipeline, plan.cases);
  for (const method of plan.methods) resolveSettings(pipeline, learningOptions(plan.settings, method, 0));
  for (const folder of ["finished", "instructions"]) await ensureWritableFolder(join(plan.out, folder));
  const keys = await ResultKeys.of(pipeline, plan.settings);
  const store = new FinishedWork(plan.out);
  const work = listWork(plan);
  const finished: Finished[] = [];
  let reused = 0;
  let current: { readonly opened: OpenCase; readonly measure: CaseMeasure } | undefined;
  try {
    for (const [index, { files, method, seed }] of work.entries()) {
      hooks.signal?.throwIfAborted();
      if (current?.opened.name !== files.name) {
        const opened = await (plan.open ?? openCase)(files);
        current = { opened, measure: await CaseMeasure.of(pipeline, opened) };
      }
      const key = keys.results(current.opened, method, seed);
      const known = await store.read(key);
      if (known) reused += 1;
      const place = { index, count: work.length };
      finished.push(
        known ?? (await doWork(pipeline, plan, hooks, { ...current, method, seed, key, keys, place })),
      );
      if (!known) await store.write(key, finished.at(-1)!);
    }
    return { finished, reused, complete: true };
  } catch (error) {
    if (hooks.signal?.aborted) return { finished, reused, complete: false };
    throw error;
  }
}

function requireTextsFit({ model, textLength }: Pipeline, cases: readonly CaseFiles[]): void {
  for (const { name, description, tests } of cases) {
    const captions = tests.flatMap((test) => Object.values(captionsOf(description, test.name) ?? {}));
    const words = description.words === undefined ? [] : [description.words];
    for (const text of [...(description.texts ?? []), ...words, ...captions])
      if (model.tokenizer.encode(text).truncatedText !== undefined)
        throw new VisibleError(
          "text_too_long",
          `${name}/case.json: "${text}" is longer than this model's ${textLength - 2} tokens; shorten it.`,
        );
  }
}
