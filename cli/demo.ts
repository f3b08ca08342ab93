import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { writeAtomically } from "visii-engine/files";
import { imageLibraryVersions } from "visii-engine/images";
import { fitEdit } from "visii-engine/lut";
import { defined } from "../shared/defined.ts";
import type { Context } from "./context.ts";
import { type DemoColumn, type DemoRow, demoColumns, editDemoPhotos, readDemoPhotos } from "./demo-photos.ts";
import { type DemoPlan, readDemoPlan } from "./demo-plan.ts";
import { describeMachine, meanPsnr } from "./demo-report.ts";
import { demoSheet } from "./demo-sheet.ts";
import { type Instruction, loadEngine, type Pipeline, withPipeline } from "./engine.ts";
import { writeLossCurve } from "./learn.ts";
import { addModelOptions, type ModelOptions } from "./model-options.ts";
import { packageVersion } from "./package-version.ts";
import { nonEmpty, wholeNumber } from "./parse-values.ts";
import { showDuration } from "./progress-bar.ts";
import { readPairs } from "./read-pairs.ts";
import { removeResumeState, resumePath } from "./resume-file.ts";
import { runLearning } from "./run-learning.ts";
import { shellWords } from "./shell-words.ts";

interface DemoOptions extends ModelOptions {
  readonly out: string;
  readonly from?: string;
  readonly steps?: number;
  readonly seed?: number;
  readonly json?: boolean;
}

/** Adds `visii demo`. */
export function addDemoCommand(program: Command, context: Context): void {
  const command = program
    .command("demo")
    .description("learn from the bundled pair, edit the bundled photos, and render a contact sheet")
    .option("--out <DIR>", "folder for the results", nonEmpty("--out"), join("out", "demo"))
    .option("--from <DIR>", "use another folder with a demo.json and photos", nonEmpty("--from"))
    .option("--steps <N>", "learning steps", wholeNumber("--steps", 1))
    .option("--seed <S>", "random seed (default: the demo's)", wholeNumber("--seed", 0));
  addModelOptions(command).action((options: DemoOptions) => demo(context, options));
}

async function demo(context: Context, options: DemoOptions): Promise<void> {
  const { progress } = context;
  const plan = await readDemoPlan(options.from);
  const [pair] = await readPairs([plan.pair], (line) => progress.note(line));
  const photos = await readDemoPhotos(plan);
  await context.folders.ensure(options.out);
  const instructionFile = join(options.out, "learned.visii");
  const seed = options.seed ?? plan.seed ?? 0;
  const steps = options.steps ?? plan.steps;

  await withPipeline(context, options, async (pipeline) => {
    const started = performance.now();
    const learn = {
      seed,
      stateFile: resumePath(instructionFile),
      ...defined({ init: plan.init }),
    };
    if (pipeline.model.pairEncoder && plan.init === undefined) {
      const { instruction: first } = await runLearning(context, pipeline, [pair], { ...learn, steps: 0 });
      const column: DemoColumn = { key: "learned", title: "first", by: { instruction: first } };
      const [row] = await editDemoPhotos(context, pipeline, photos.slice(0, 1), plan, [column], {
        folder: options.out,
        seed,
      });
      const seconds = (performance.now() - started) / 1000;
      const file = join(options.out, "first.png");
      await rename(join(options.out, row!.results[0]!.file), file);
      progress.note(`First result after ${seconds.toFixed(1)} s, before any learning: ${file}`);
    }
    const { instruction } = await runLearning(context, pipeline, [pair], {
      ...learn,
      ...defined({ steps }),
    }).catch(async (error: unknown) => {
      // The demo is short, so it starts over instead of resuming.
      await removeResumeState(instructionFile);
      throw error;
    });
    const learnSeconds = (performance.now() - started) / 1000;
    progress.note(`Learned in ${showDuration(learnSeconds)}.`);
    const { writeInstruction } = await loadEngine();
    await writeInstruction(instructionFile, instruction);
    await removeResumeState(instructionFile);

    const columns = demoColumns(plan, instruction, fitEdit([pair], "local"));
    const forwardsBefore = pipeline.unetForwards;
    const rows = await editDemoPhotos(context, pipeline, photos, plan, columns, {
      folder: options.out,
      seed,
    });
    const seconds = (performance.now() - started) / 1000;
    await writeLossCurve(options.out, instruction);
    const sheet = await demoSheet(pair, rows, columns, { instruction, seconds: learnSeconds });
    await writeAtomically(join(options.out, "sheet.png"), sheet);
    const report = reportOf(pipeline, instruction, plan, rows, columns, {
      learn: learnSeconds,
      edits: seconds - learnSeconds,
      editForwards: pipeline.unetForwards - forwardsBefore,
    });
    await writeAtomically(join(options.out, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
    context.print(
      options.json
        ? JSON.stringify({ out: options.out, ...report })
        : closingWords(options.out, plan, report),
    );
  });
}

type Report = ReturnType<typeof reportOf>;

function reportOf(
  pipeline: Pipeline,
  { info }: Instruction,
  { edit, text, words }: DemoPlan,
  rows: readonly DemoRow[],
  columns: readonly DemoColumn[],
  spent: { readonly learn: number; readonly edits: number; readonly editForwards: number },
) {
  const { curve: _, ...losses } = info.losses ?? { curve: [] };
  const columnMean = (key: DemoColumn["key"]): number | null =>
    meanPsnr(
      rows.flatMap(({ results }) =>
        results.filter(({ column }) => column.key === key).map(({ closeness }) => closeness),
      ),
    );
  return {
    model: { id: pipeline.modelId, weightHash: pipeline.weightHash },
    seed: info.seed,
    init: info.init,
    edit: edit ?? null,
    text: text ?? null,
    words,
    hyperParameters: info.hyperParameters,
    ...(info.losses ? { loss: losses } : {}),
    seconds: { learn: Number(spent.learn.toFixed(2)), edits: Number(spent.edits.toFixed(2)) },
    unetEvaluations: { learning: info.counts, editing: { unetForwards: spent.editForwards } },
    meanPsnrToTruth: {
      unedited: meanPsnr(rows.map(({ unedited }) => unedited)),
      text: columnMean("text"),
      fit: columnMean("fit"),
      learned: columnMean("learned"),
    },
    columns: columns.map(({ key, title }) => ({ key, title })),
    tests: rows.map(({ input, photo, unedited, results }) => ({
      input: basename(input),
      size: [photo.width, photo.height],
      toTruth: {
        unedited: unedited ?? null,
        ...Object.fromEntries(
          results.flatMap(({ column, closeness }) => (closeness ? [[column.key, closeness]] : [])),
        ),
      },
      files: results.map(({ file }) => file),
    })),
    versions: { visii: packageVersion(), ...imageLibraryVersions() },
    machine: describeMachine(),
  };
}

function closingWords(
  out: string,
  { tests, words }: DemoPlan,
  { meanPsnrToTruth: mean, seconds }: Report,
): string {
  const at = (name: string): string => shellWords([join(out, name)]);
  const figures = [
    ["unedited", mean.unedited],
    ["text", mean.text],
    ["fit", mean.fit],
    ["learned", mean.learned],
  ].flatMap(([name, value]) => (value === null ? [] : [`${name} ${value} dB`]));
  return [
    `Done: learned in ${showDuration(seconds.learn)}, edited ${tests.length} photos in ${showDuration(seconds.edits)}.`,
    ...(figures.length > 0 ? [`Similarity to the true edit (mean PSNR): ${figures.join(", ")}.`] : []),
    "",
    "Results",
    `  ${at("sheet.png")}        everything on one page`,
    `  ${at("loss-curve.png")}   the loss by step`,
    `  ${at("report.json")}      the metrics`,
    "",
    "Next steps",
    `  npx visii apply ${at("learned.visii")} YOUR-PHOTO.jpg --out out/mine`,
    `  npx visii apply ${at("learned.visii")} YOUR-PHOTO.jpg --text ${shellWords([words[0]!])} --out out/mine`,
    "  npx visii learn --pair BEFORE.jpg AFTER.jpg --out my-edit.visii",
    `  npx visii inspect ${at("learned.visii")}`,
  ].join("\n");
}
