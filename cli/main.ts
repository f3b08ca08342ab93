/** The `visii` command: the only place that touches the process. */
import { Command } from "commander";
import { collectPairs } from "./collect-pairs.ts";
import type { Context } from "./context.ts";
import { interruptSignal } from "./interrupted.ts";
import { packageVersion } from "./package-version.ts";
import { ProgressBar } from "./progress-bar.ts";
import { exitCodes, explainFailure } from "./report-failure.ts";

type Pairs = ReturnType<typeof collectPairs>["pairs"];
type AddCommand = (program: Command, context: Context, pairs: Pairs) => void;

/**
 * In the order of the help. Only the command that is asked for is loaded: reading the others' sources is a good part of the time
 * until a small model is at work.
 */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  learn: async () => (await import("./learn.ts")).addLearnCommand,
  apply: async () => (await import("./apply.ts")).addApplyCommand,
  edit: async () => (await import("./edit.ts")).addEditCommand,
  lut: async () => (await import("./lut.ts")).addLutCommand,
  inspect: async () => (await import("./inspect.ts")).addInspectCommand,
  demo: async () => (await import("./demo.ts")).addDemoCommand,
  eval: async () => (await import("./eval.ts")).addEvalCommand,
  ablate: async () => (await import("./ablate.ts")).addAblateCommand,
  models: async () => (await import("./models.ts")).addModelsCommand,
  cache: async () => (await import("./cache.ts")).addCacheCommand,
  doctor: async () => (await import("./doctor.ts")).addDoctorCommand,
};

const examples = `
Examples:
  visii demo
  visii learn --pair day.jpg night.jpg --out night.visii
  visii apply night.visii street.jpg --out results
  visii apply night.visii street.jpg --text "with snow" --out results
  visii edit "make it night" street.jpg --out results
  visii apply night.visii street.jpg --out results --server http://127.0.0.1:8787 --key visii_test_…
  visii inspect night.visii
  visii lut --pair day.jpg warm.jpg --out warm.cube`;

/** @param name the word where a command stands; without one that is known, all are there, for help and corrections */
async function buildProgram(name: string | undefined, context: Context, pairs: Pairs): Promise<Command> {
  const program = new Command("visii")
    .description("Learn an image edit from one before/after pair and apply it to any photo.")
    .version(packageVersion(), "--version")
    .addHelpText("after", examples)
    .exitOverride()
    // Commander's own words on a mistake come through explainFailure, once.
    .configureOutput({ outputError: () => undefined });
  const known = name !== undefined && Object.hasOwn(commands, name);
  const asked = known ? [commands[name]!] : Object.values(commands);
  for (const add of await Promise.all(asked.map((load) => load()))) add(program, context, pairs);
  for (const command of leaves(program))
    command
      .option("--json", "print one JSON object as the last line")
      .option("--verbose", "show stack traces");
  return program;
}

/** The commands that do something, not those that hold others. */
function leaves({ commands: inside }: Command): Command[] {
  return inside.flatMap((command) => (command.commands.length ? leaves(command) : [command]));
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
    const name = argv.find((word) => !word.startsWith("-"));
    const { pairs, rest } =
      name === "learn" || name === "lut" ? collectPairs(argv) : { pairs: [], rest: argv };
    const program = await buildProgram(name, context, pairs);
    await program.parseAsync(rest, { from: "user" });
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
