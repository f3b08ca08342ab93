import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { resolveSettings } from "../../engine/inversion/settings.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import type { Ablation, Variant } from "./ablation.ts";

/** One variant on one case with one seed. */
export interface Cell {
  readonly ablation: Ablation;
  readonly variant: Variant;
  readonly files: CaseFiles;
  readonly seed: number;
  /** Approximate UNet evaluations, without reuse of finished work; for the remaining time. */
  readonly cost: number;
}

/** All cells, by ablation and variant, so that an interrupted run has complete tables. */
export function listCells(
  pipeline: Pick<Pipeline, "defaults">,
  ablations: readonly Ablation[],
  cases: readonly CaseFiles[],
  seeds: readonly number[],
): Cell[] {
  const paid = new Set<string>();
  return ablations.flatMap((ablation) =>
    ablation.variants.flatMap((variant) =>
      cases.flatMap((files) =>
        seeds.map((seed): Cell => {
          // Variants with equal learning settings share instructions, so only the first one is counted.
          const settings = resolveSettings(pipeline, { ...variant.learning, seed });
          const learning = JSON.stringify([settings, variant.init, variant.pairs ?? 1, files.name]);
          const first = !paid.has(learning);
          paid.add(learning);
          const editing = 2 * files.tests.length;
          return {
            ablation,
            variant,
            files,
            seed,
            cost: editing + (first ? learningCost(pipeline, variant) : 0),
          };
        }),
      ),
    ),
  );
}

/** Forward and backward evaluations of the text branch, and of the frozen branches if they are not cached. */
function learningCost(pipeline: Pick<Pipeline, "defaults">, { learning }: Variant): number {
  const { steps, batchSize, frozenBranches, textGuidance } = resolveSettings(pipeline, {
    ...learning,
    seed: 0,
  });
  const branches = frozenBranches === "recomputed" && textGuidance !== 1 ? 4 : 2;
  return steps * batchSize * branches;
}
