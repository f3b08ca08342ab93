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
import { ensureWritableFolder } from "../../engine/files/write-aside.ts";
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

export function addAblateCommand(program: Command, context: Context): void {
  const command = program
    .command("ablate")
    .description("vary one setting of the method at a time: a table and a plot for each, with intervals")
    .argument("[SET]", "folder of cases (docs/evaluation-set.md); the bundled one if absent")
    .option("--only <list>", `of ${ablations.map(({ name }) => name).join(", ")}`, nonEmpty("--only"))
    .option("--cases <N|list>", "N of the set's cases, spread evenly, or some by name", nonEmpty("--cases"))
    .option("--seeds <N>", "learn and edit N times, by seeds 0 … N−1", wholeNumber("--seeds", 1), 3)
    .option(
      "--size <pixels>",
      "learn and measure at this size (default: the model's)",
      wholeNumber("--size", 1),
    )
    .option(
      "--learning-steps <N>",
      "steps of learning, but where they are what is varied (default: the model's)",
      wholeNumber("--learning-steps", 1),
    )
    .option("--out <DIR>", "folder for the results (default: SET's name and -ablations)", nonEmpty("--out"));
  addModelOptions(command)
    .option("--threads <N>", "processor threads (default: all)", wholeNumber("--threads", 1))
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
  if (reused) context.progress.note(`${reused} of ${report.finished.length} results were made before.`);
  const { finished: _, ...summary } = report;
  if (!options.json)
    context.print(`${ablationText(report, options.markdown ? "markdown" : "plain")}\n\n${page}`);
  else context.print(JSON.stringify({ out, page, results, reused, ...summary }));
  if (!report.complete)
    throw new Interrupted(
      `Stopped with ${report.finished.length} results finished, reported in ${page}. To go on, run the same again:\n  npm run research -- ${shellWords(context.argv)}`,
    );
}

interface AblatePlan {
  /** The set's name. */
  readonly set: string;
  readonly ablations: readonly Ablation[];
  readonly cases: readonly CaseFiles[];
  readonly out: string;
}

/** `runAblations` with a progress bar, then its report, also when it was stopped. */
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
      ...{ ablations, cases, seeds, out },
      ...(options.learningSteps === undefined ? {} : { learning: { steps: options.learningSteps } }),
      ...(options.size === undefined ? {} : { side: options.size }),
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
      ...{ set, ablations, seeds },
      model: { id: pipeline.modelId, weightHash: pipeline.weightHash },
      clip: (await nameClip(pipeline)) ?? null,
      side: options.size ?? null,
      cases: cases.map(({ name }) => name),
    },
    outcome,
  );
  return { report, reused, ...(await writeAblationReport(out, report)) };
}
