import { join } from "node:path";
import { VisibleError } from "../../engine/errors.ts";
import type { EvaluationEvent } from "../../engine/evaluation/do-work.ts";
import { evaluate } from "../../engine/evaluation/evaluate.ts";
import type { CaseFiles, OpenCase } from "../../engine/evaluation/evaluation-case.ts";
import type { Finished } from "../../engine/evaluation/finished-work.ts";
import { openCase } from "../../engine/evaluation/open-case.ts";
import { ensureWritableFolder } from "../../engine/files/write-aside.ts";
import type { InversionOptions } from "../../engine/inversion/settings.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { defined } from "../../shared/defined.ts";
import { type Ablation, maximumPairs } from "./ablation.ts";
import { type Cell, listCells } from "./ablation-cells.ts";
import { caseInit } from "./case-init.ts";

export interface AblationPlan {
  readonly ablations: readonly Ablation[];
  readonly cases: readonly CaseFiles[];
  readonly seeds: readonly number[];
  /** Laid under every variant's own learning settings. */
  readonly learning?: Omit<InversionOptions, "seed" | "init">;
  /** Pictures are scaled down to this longest side, in pixels; that of evaluations when absent. */
  readonly side?: number;
  /** Folder for pictures, instructions and finished results. */
  readonly out: string;
}

/** A cell's result, beside what it is a result of. */
export interface FinishedCell {
  readonly ablation: string;
  readonly variant: string;
  readonly work: Finished;
}

interface AblationEvent extends Pick<EvaluationEvent, "doing" | "step" | "steps"> {
  readonly cell: Cell;
  readonly place: { readonly index: number; readonly count: number };
  /** Cost (see Cell) of what was computed so far in this run, and of what is left at most. */
  readonly done: number;
  readonly left: number;
}

interface AblationHooks {
  /** Honoured between steps: what is finished is returned, `complete` being false. */
  readonly signal?: AbortSignal;
  onEvent?(event: AblationEvent): void;
}

export interface AblationOutcome {
  readonly finished: readonly FinishedCell[];
  /** How many of them an earlier run, or another ablation, had made. */
  readonly reused: number;
  readonly complete: boolean;
}

/**
 * Every variant of every ablation on every case under every seed. Each cell is an evaluation of its own, kept as `evaluate`
 * keeps them: done before, or alike in another ablation, it is not done again.
 *
 * @throws VisibleError before any work for a case that lacks pairs or words that an ablation wants
 */
export async function runAblations(
  pipeline: Pipeline,
  plan: AblationPlan,
  { signal, onEvent }: AblationHooks = {},
): Promise<AblationOutcome> {
  requireMeans(plan);
  const { ablations, cases, seeds, out } = plan;
  const captions = join(out, "captions");
  await ensureWritableFolder(captions);
  const cells = listCells(pipeline, ablations, cases, seeds);
  const open = rememberLast((files) => openCase(files, undefined, plan.side));
  const finished: FinishedCell[] = [];
  let [reused, done, left] = [0, 0, cells.reduce((sum, { cost }) => sum + cost, 0)];
  for (const [index, cell] of cells.entries()) {
    const { ablation, variant, files, seed, cost } = cell;
    const outcome = await runCell().catch((error: unknown) => {
      if (signal?.aborted) return undefined;
      throw error;
    });
    if (!outcome?.complete) return { finished, reused, complete: false };
    left -= cost;
    reused += outcome.reused;
    if (!outcome.reused) done += cost;
    finished.push({ ablation: ablation.name, variant: variant.name, work: outcome.finished[0]! });

    async function runCell() {
      signal?.throwIfAborted();
      const init =
        variant.init &&
        (await caseInit(pipeline, await open(files), variant.init, {
          seed,
          folder: captions,
          ...defined({ signal }),
        }));
      const learning = { ...plan.learning, ...variant.learning, ...defined({ init }) };
      return evaluate(
        pipeline,
        {
          cases: [files],
          methods: [{ kind: "learned", pairs: variant.pairs ?? 1 }],
          seeds: [seed],
          settings: { learning, editing: variant.editing ?? {} },
          out,
          open,
        },
        {
          ...defined({ signal }),
          onEvent: ({ doing, step, steps }) =>
            onEvent?.({ cell, doing, step, steps, place: { index, count: cells.length }, done, left }),
        },
      );
    }
  }
  return { finished, reused, complete: true };
}

function requireMeans({ ablations, cases }: AblationPlan): void {
  for (const ablation of ablations) {
    const wanted = maximumPairs(ablation);
    const poor = cases.find(({ pairs }) => pairs.length < wanted);
    if (poor)
      throw new VisibleError(
        "invalid_set",
        `The ablation ${ablation.name} wants ${wanted} pairs and ${poor.name} has ${poor.pairs.length}; leave one of them out with --only or --cases.`,
      );
    const mute = cases.find(({ description }) => !description.texts);
    if (mute && ablation.variants.some(({ init }) => init === "text"))
      throw new VisibleError(
        "invalid_set",
        `The ablation ${ablation.name} wants words for every case and ${mute.name}/case.json has no "texts"; leave one of them out with --only or --cases.`,
      );
  }
}

/** Seeds of one case follow each other, so the case opened last is most often the one asked for. */
function rememberLast(
  open: (files: CaseFiles) => Promise<OpenCase>,
): (files: CaseFiles) => Promise<OpenCase> {
  let last: { readonly files: CaseFiles; readonly opened: Promise<OpenCase> } | undefined;
  return (files) => {
    if (last?.files !== files) last = { files, opened: open(files) };
    return last.opened;
  };
}
