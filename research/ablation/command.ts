import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Context } from "../../cli/context.ts";
import { type Pipeline, withPipeline } from "../../cli/engine.ts";
import { requireOutside } from "../../cli/eval.ts";
import { Interrupted } from "../../cli/interrupted.ts";
import { addModelOptions, type ModelOptions } from "../../cli/model-options.ts";
import { nonEmpty, wholeNumber } from "../../cli/parse-values.ts";
import { shellWords } from "../../cli/shell-words.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { readSet } from "../../engine/evaluation/read-set.ts";
import { requireOwnFolder } from "../../engine/evaluation/write-report.ts";
import { ensureWritableFolder } from "../../engine/files/write-atomically.ts";
import { defined } from "../../shared/defined.ts";
import type { Ablation } from "./ablation.ts";
import { ablationText } from "./ablation-text.ts";
import { ablationFor, ablations, chooseAblations } from "./ablations.ts";
import { chooseCases } from "./choose-cases.ts";

interface AblateOptions extends ModelOptions {
  readonly only?: string;
  readonly cases?: string;
  readonly seeds: number;
  readonly size?: number;
  readonly learningSteps?: number;
  readonly out?: string;
  readonly threads?: number;
  readonly markdown?: boolean;
  readonly json?: boolean;
}

const bundledSet = fileURLToPath(new URL("../../evaluation-set", import.meta.url));

/** Adds `npm run research -- ablate`. */
export function addAblateCommand(program: Command, context: Context): void {
  const command = program
    .command("ablate")
    .description(
      "vary one setting of the method at a time; write a table and a plot with confidence intervals for each",
    )
    .argument("[SET]", "folder of cases (format: docs/evaluation-set.md; default: the bundled set)")
    .option(
      "--only <list>",
      `comma-separated: ${ablations.map(({ name }) => name).join(", ")}`,
      nonEmpty("--only"),
    )
    .option("--cases <N|list>", "N evenly spaced cases of the set, or a list of names", nonEmpty("--cases"))
    .option("--seeds <N>", "learn and edit with seeds 0 to N-1", wholeNumber("--seeds", 1), 3)
    .option(
      "--size <pixels>",
      "learn and measure at this size (default: the model's)",
      wholeNumber("--size", 1),
    )
    .option(
      "--learning-steps <N>",
      "learning steps, except in ablations of the steps (default: the model's)",
      wholeNumber("--learning-steps", 1),
    )
    .option("--out <DIR>", "folder for the results (default: SET-ablations)", nonEmpty("--out"));
  addModelOptions(command)
    .option("--threads <N>", "CPU threads (default: all)", wholeNumber("--threads", 1))
    .option("--markdown", "print the tables as Markdown")
    .action((set: string | undefined, options: AblateOptions) =>
      ablateCommand(context, set ?? bundledSet, options),
    );
}

async function ablateCommand(context: Context, set: string, options: AblateOptions): Promise<void> {
  const chosen = chooseAblations(options.only);
  const cases = chooseCases(await readSet(set), options.cases);
  const out = options.out ?? `${basename(resolve(set))}-ablations`;
  requireOutside(set, out);
  await ensureWritableFolder(out);
  await requireOwnFolder(out);
  const { size: resolution, ...rest } = options;
  const { report, reused, page, results } = await withPipeline(
    context,
    resolution === undefined ? rest : { ...rest, resolution },
    (pipeline) =>
      ablate(context, pipeline, { set: basename(resolve(set)), ablations: chosen, cases, out }, options),
  );
  if (reused)
    context.progress.note(`${reused} of ${report.finished.length} results are reused from an earlier run.`);
  const { finished: _, ...summary } = report;
  if (!options.json)
    context.print(`${ablationText(report, options.markdown ? "markdown" : "plain")}\n\n${page}`);
  else context.print(JSON.stringify({ out, page, results, reused, ...summary }));
  if (!report.complete)
    throw new Interrupted(
      `Stopped with ${report.finished.length} results finished, reported in ${page}. To continue, run the same command again:\n  npm run research -- ${shellWords(context.argv)}`,
    );
}

interface AblatePlan {
  /** Name of the set. */
  readonly set: string;
  readonly ablations: readonly Ablation[];
  readonly cases: readonly CaseFiles[];
  readonly out: string;
}

/** Runs `runAblations` with a progress bar and writes its report, even after an interruption. */
async function ablate(
  { progress, signal }: Context,
  pipeline: Pipeline,
  { set, ablations: chosen, cases, out }: AblatePlan,
  options: AblateOptions,
) {
  const ablations = chosen.map((ablation) => ablationFor(pipeline, ablation, cases));
  const { runAblations } = await import("./run-ablations.ts");
  const { makeAblationReport } = await import("./ablation-report.ts");
  const { writeAblationReport } = await import("./write-ablation-report.ts");
  const { nameClip } = await import("../../engine/pipeline/clip-space.ts");
  const seeds = Array.from({ length: options.seeds }, (_, seed) => seed);
  const began = performance.now() / 1000;
  const { reused, ...outcome } = await runAblations(
    pipeline,
    {
      ablations,
      cases,
      seeds,
      out,
      ...(options.learningSteps === undefined ? {} : { learning: { steps: options.learningSteps } }),
      ...defined({ side: options.size }),
    },
    {
      signal,
      onEvent: ({ cell, doing, place, done, left }) =>
        progress.update({
          stage: `${cell.ablation.name} ${cell.variant.name}, ${cell.files.name}, seed ${cell.seed}: ${doing}`,
          step: place.index,
          steps: place.count,
          ...(done > 0 ? { etaSeconds: ((performance.now() / 1000 - began) / done) * left } : {}),
        }),
    },
  );
  progress.clear();
  const report = makeAblationReport(
    {
      set,
      ablations,
      seeds,
      model: { id: pipeline.modelId, weightHash: pipeline.weightHash },
      clip: (await nameClip(pipeline)) ?? null,
      side: options.size ?? null,
      cases: cases.map(({ name }) => name),
    },
    outcome,
  );
  return { report, reused, ...(await writeAblationReport(out, report)) };
}
