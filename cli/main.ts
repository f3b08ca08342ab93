/** The `visii` command: the only place that touches the process. */
import { Command } from "commander";
import { addAblateCommand } from "./ablate.ts";
import { addApplyCommand } from "./apply.ts";
import { addCacheCommand } from "./cache.ts";
import { collectPairs } from "./collect-pairs.ts";
import type { Context } from "./context.ts";
import { addDemoCommand } from "./demo.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addEditCommand } from "./edit.ts";
import { addEvalCommand } from "./eval.ts";
import { addInspectCommand } from "./inspect.ts";
import { interruptSignal } from "./interrupted.ts";
import { addLearnCommand } from "./learn.ts";
import { addModelsCommand } from "./models.ts";
import { packageVersion } from "./package-version.ts";
import { ProgressBar } from "./progress-bar.ts";
import { exitCodes, explainFailure } from "./report-failure.ts";

const examples = `
Examples:
  visii demo
  visii learn --pair day.jpg night.jpg --out night.visii
  visii apply night.visii street.jpg --out results
  visii apply night.visii street.jpg --text "with snow" --out results
  visii edit "make it night" street.jpg --out results
  visii apply night.visii street.jpg --out results --server http://127.0.0.1:8787 --key visii_test_…
  visii inspect night.visii`;

function buildProgram(context: Context, pairs: Parameters<typeof addLearnCommand>[2]): Command {
  const program = new Command("visii")
    .description("Learn an image edit from one before/after pair and apply it to any photo.")
    .version(packageVersion(), "--version")
    .addHelpText("after", examples)
    .exitOverride()
    // Commander's own words on a mistake come through explainFailure, once.
    .configureOutput({ outputError: () => undefined });
  addLearnCommand(program, context, pairs);
  addApplyCommand(program, context);
  addEditCommand(program, context);
  addInspectCommand(program, context);
  addDemoCommand(program, context);
  addEvalCommand(program, context);
  addAblateCommand(program, context);
  addModelsCommand(program, context);
  addCacheCommand(program, context);
  addDoctorCommand(program, context);
  return program;
}

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const progress = new ProgressBar(process.stderr);
  const signal = interruptSignal(process, (line) => progress.note(line));
  // A closed pipe (visii … | head) is no failure of ours.
  process.stdout.on("error", () => undefined);
  const context: Context = { argv, signal, progress, print: (line) => process.stdout.write(`${line}\n`) };
  try {
    const learning = argv.find((word) => !word.startsWith("-")) === "learn";
    const { pairs, rest } = learning ? collectPairs(argv) : { pairs: [], rest: argv };
    await buildProgram(context, pairs).parseAsync(rest, { from: "user" });
  } catch (error) {
    const isHelp = error instanceof Error && "exitCode" in error && error.exitCode === 0;
    if (isHelp) return;
    if (argv.length === 0) {
      // Commander has shown the help.
      process.exitCode = exitCodes.usage;
      return;
    }
    const failure = explainFailure(error, argv.includes("--verbose"));
    progress.note(`visii: ${failure.message}`);
    process.exitCode = failure.exitCode;
  }
}
