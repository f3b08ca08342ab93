import { basename, isAbsolute, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { VisibleError } from "visii-engine/errors";
import {
  type CaseFiles,
  defaultMethods,
  type Method,
  methodName,
  openCase,
  parseMethods,
  type Report,
  readSet,
  reportText,
  requireOwnFolder,
  whatIsMissing,
} from "visii-engine/evaluation";
import { readPairEncoderConfig } from "visii-engine/models";
import type { Context } from "./context.ts";
import { spaces, withPipeline } from "./engine.ts";
import { type EvalOptions, evaluateSet } from "./evaluate-set.ts";
import { Interrupted } from "./interrupted.ts";
import { initHelp } from "./learning-start.ts";
import { modelFolder } from "./model-location.ts";
import { addModelOptions } from "./model-options.ts";
import { finiteNumber, nonEmpty, oneOf, wholeNumber } from "./parse-values.ts";
import { shellWords } from "./shell-words.ts";

/** Adds `visii eval`. */
export function addEvalCommand(program: Command, context: Context): void {
  const command = program
    .command("eval")
    .description("evaluate methods on a set of cases: a table, results.json and an HTML report")
    .argument("<SET>", "folder of cases (format: docs/evaluation-set.md)", nonEmpty("SET"))
    .option(
      "--method <list>",
      `comma-separated: unedited, fit, text, pair, learned, learned-words, learned-kv, hybrid; pair and learned accept -N for N pairs (default: ${defaultMethods(true)}, except those the model does not support)`,
      nonEmpty("--method"),
    )
    .option("--seeds <N>", "learn and edit with seeds 0 to N-1", wholeNumber("--seeds", 1), 1)
    .option("--out <DIR>", "folder for the results (default: SET-results)", nonEmpty("--out"))
    .option("--init <text|pair>", initHelp, nonEmpty("--init"))
    .option(
      "--space <space>",
      "space in which learned and hybrid learn: text or kv",
      oneOf("--space", spaces),
    )
    .option(
      "--learning-steps <N>",
      "learning steps (default: the model's)",
      wholeNumber("--learning-steps", 1),
    )
    .option(
      "--sampling-steps <N>",
      "sampling steps (default: the model's)",
      wholeNumber("--sampling-steps", 1),
    )
    .option(
      "--text-guidance <s>",
      "text guidance scale of edits (default: the model's)",
      finiteNumber("--text-guidance"),
    )
    .option(
      "--image-guidance <s>",
      "image guidance scale of edits (default: the model's)",
      finiteNumber("--image-guidance"),
    )
    .option(
      "--noise <kind>",
      "fixed: the training noise; fresh: drawn from the seed",
      oneOf("--noise", ["fixed", "fresh"] as const),
    );
  addModelOptions(command)
    .option("--threads <N>", "CPU threads (default: all)", wholeNumber("--threads", 1))
    .option("--markdown", "print the table as Markdown")
    .action((set: string, options: EvalOptions) => evalCommand(context, set, options));
}

async function evalCommand(context: Context, set: string, options: EvalOptions): Promise<void> {
  const encoder = await readPairEncoderConfig(join(modelFolder(options.model), "pair_encoder"));
  const methods = parseMethods(options.method ?? defaultMethods(encoder !== undefined));
  const cases = await readSet(set);
  // Decode every image before any work, so that an error in the last image is reported first.
  for (const [index, files] of cases.entries()) {
    context.progress.update({ stage: "reading the set", step: index, steps: cases.length });
    await openCase(files, (line) => context.progress.note(`${files.name}: ${line}`));
    context.signal.throwIfAborted();
  }
  context.progress.clear();
  const usable = usableMethods(context, methods, cases, options.method !== undefined);
  const out = options.out ?? `${basename(resolve(set))}-results`;
  requireOutside(set, out);
  await context.folders.ensure(out);
  await requireOwnFolder(out);

  const plan = { set: basename(resolve(set)), cases, methods: usable, out };
  const { report, page, results, reused } = await withPipeline(context, options, (pipeline) =>
    evaluateSet(context, pipeline, plan, options),
  );
  if (reused)
    context.progress.note(`${reused} of ${report.finished.length} results are reused from an earlier run.`);
  const { finished: _, ...summary } = report;
  if (!options.json)
    context.print(`${reportText(report, options.markdown ? "markdown" : "plain")}\n\n${page}`);
  else context.print(JSON.stringify({ out, page, results, reused, ...summary }));
  if (!report.complete) throw stopped(context, report, page);
}

/**
 * A method named by --method must apply to at least one case. A default method that applies to none is
 * skipped with a note.
 */
function usableMethods(
  { progress }: Context,
  methods: readonly Method[],
  cases: readonly CaseFiles[],
  asked: boolean,
): Method[] {
  return methods.filter((method) => {
    const reasons = cases.map((files) => whatIsMissing(method, files));
    if (reasons.includes(undefined)) return true;
    const sentence = `Method ${methodName(method)} applies to no case: ${cases[0]!.name} has ${reasons[0]}.`;
    if (asked) throw new VisibleError("invalid_option", sentence);
    progress.note(sentence);
    return false;
  });
}

/** Rejects an output folder inside the set, where the next run would read it as a case. */
export function requireOutside(set: string, out: string): void {
  const way = relative(resolve(set), resolve(out));
  if (way.split(/[\\/]/)[0] !== ".." && !isAbsolute(way))
    throw new VisibleError(
      "invalid_option",
      `--out ${out} is inside the set ${set}; choose a folder outside it, such as ${join("..", `${basename(resolve(set))}-results`)}.`,
    );
}

function stopped({ argv }: Context, { finished }: Report, page: string): Interrupted {
  return new Interrupted(
    `Stopped with ${finished.length} ${finished.length === 1 ? "result" : "results"} finished, reported in ${page}. To continue, run the same command again:\n  visii ${shellWords(argv)}`,
  );
}
