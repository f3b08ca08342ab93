import { join } from "node:path";
import { VisibleError } from "../../engine/errors.ts";
import type { EvaluationEvent } from "../../engine/evaluation/do-work.ts";
import { evaluate } from "../../engine/evaluation/evaluate.ts";
import type { CaseFiles, OpenCase } from "../../engine/evaluation/evaluation-case.ts";
import type { Finished } from "../../engine/evaluation/finished-work.ts";
import { openCase } from "../../engine/evaluation/open-case.ts";
import { ensureWritableFolder } from "../../engine/files/write-atomically.ts";
import type { InversionOptions } from "../../engine/inversion/settings.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { defined } from "../../shared/defined.ts";
import { type Ablation, maxPairs } from "./ablation.ts";
import { type Cell, listCells } from "./ablation-cells.ts";
import { caseInit } from "./case-init.ts";

export interface AblationPlan {
  readonly ablations: readonly Ablation[];
  readonly cases: readonly CaseFiles[];
  readonly seeds: readonly number[];
  /** Base learning settings of all variants. */
  readonly learning?: Omit<InversionOptions, "seed" | "init">;
  /** Longest side to which images are scaled down, in pixels; the default of evaluations when absent. */
  readonly side?: number;
  /** Folder for images, instructions and finished results. */
  readonly out: string;
}

/** A cell with its result. */
export interface FinishedCell {
  readonly ablation: string;
  readonly variant: string;
  readonly work: Finished;
}

interface AblationEvent extends Pick<EvaluationEvent, "doing" | "step" | "steps"> {
  readonly cell: Cell;
  readonly place: { readonly index: number; readonly count: number };
  /** Cost (see Cell) of the work done in this run, and of the remaining work at most. */
  readonly done: number;
  readonly left: number;
}

interface AblationHooks {
  /** Checked between steps. Finished results are returned, with `complete` false. */
  readonly signal?: AbortSignal;
  onEvent?(event: AblationEvent): void;
}

export interface AblationOutcome {
  readonly finished: readonly FinishedCell[];
  /** Number of results reused from an earlier run or another ablation. */
  readonly reused: number;
  readonly complete: boolean;
}

/**
 * Runs every variant of every ablation on every case and seed. Each cell is an evaluation, and its result is
 * stored and reused like those of `evaluate`.
 *
 * @throws VisibleError before any work for a case that lacks pairs or words that an ablation requires
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
    const wanted = maxPairs(ablation);
    const poor = cases.find(({ pairs }) => pairs.length < wanted);
    if (poor)
      throw new VisibleError(
        "invalid_set",
        `The ablation ${ablation.name} requires ${wanted} pairs, but ${poor.name} has ${poor.pairs.length}; exclude one of them with --only or --cases.`,
      );
    const mute = cases.find(({ description }) => !description.texts);
    if (mute && ablation.variants.some(({ init }) => init === "text"))
      throw new VisibleError(
        "invalid_set",
        `The ablation ${ablation.name} requires texts for every case, but ${mute.name}/case.json has no "texts"; exclude one of them with --only or --cases.`,
      );
  }
}

/** The seeds of a case are consecutive, so caching the last opened case is enough. */
function rememberLast(
  open: (files: CaseFiles) => Promise<OpenCase>,
): (files: CaseFiles) => Promise<OpenCase> {
  let last: { readonly files: CaseFiles; readonly opened: Promise<OpenCase> } | undefined;
  return (files) => {
    if (last?.files !== files) last = { files, opened: open(files) };
    return last.opened;
  };
}
