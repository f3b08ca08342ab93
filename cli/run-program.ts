import { Command } from "commander";
import { collectPairs } from "./collect-pairs.ts";
import type { Context } from "./context.ts";
import { interruptSignal } from "./interrupted.ts";
import { OutputFolders } from "./output-folders.ts";
import { packageVersion } from "./package-version.ts";
import { ProgressBar } from "./progress-bar.ts";
import { exitCodes, explainFailure } from "./report-failure.ts";

type Pairs = ReturnType<typeof collectPairs>["pairs"];
type AddCommand = (program: Command, context: Context, pairs: Pairs) => void;

export interface Program {
  readonly name: string;
  readonly description: string;
  /** Commands by name, in the order of the help. A command's module is loaded when it is selected. */
  readonly commands: Readonly<Record<string, () => Promise<AddCommand>>>;
  /** Examples printed after the help. */
  readonly examples?: string;
}

/**
 * @param name the selected command; if it is unknown, all commands are loaded for the help and for
 * suggestions
 */
async function buildProgram(
  { name: title, description, commands, examples = "" }: Program,
  name: string | undefined,
  context: Context,
  pairs: Pairs,
): Promise<Command> {
  const program = new Command(title)
    .description(description)
    .version(packageVersion(), "--version")
    .addHelpText("after", examples)
    .exitOverride()
    // explainFailure prints usage errors.
    .configureOutput({ outputError: () => undefined });
  const known = name !== undefined && Object.hasOwn(commands, name);
  const selected = known ? [commands[name]!] : Object.values(commands);
  for (const add of await Promise.all(selected.map((load) => load()))) add(program, context, pairs);
  for (const command of leaves(program))
    command
      .option("--json", "print the result as one JSON object in the last line")
      .option("--verbose", "print stack traces of errors");
  return program;
}

/** Commands without subcommands. */
function leaves({ commands: inside }: Command): Command[] {
  return inside.flatMap((command) => (command.commands.length ? leaves(command) : [command]));
}

/** Runs the command line of this process and sets its exit code. */
export async function runProgram(program: Program): Promise<void> {
  const argv = process.argv.slice(2);
  const progress = new ProgressBar(process.stderr);
  const signal = interruptSignal(process, (line) => progress.note(line));
  // A closed pipe (visii … | head) is not an error.
  process.stdout.on("error", () => undefined);
  const folders = new OutputFolders();
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const context: Context = { argv, signal, progress, folders, print };
  try {
    const name = argv.find((word) => !word.startsWith("-"));
    const takesPairs = name === "learn" || name === "lut";
    const { pairs, rest } = takesPairs ? collectPairs(argv) : { pairs: [], rest: argv };
    const command = await buildProgram(program, name, context, pairs);
    await command.parseAsync(rest, { from: "user" });
  } catch (error) {
    await folders.removeEmpty();
    const isHelp = error instanceof Error && "exitCode" in error && error.exitCode === 0;
    if (isHelp) return;
    if (argv.length === 0) {
      // Commander has already printed the help.
      process.exitCode = exitCodes.usage;
      return;
    }
    const failure = explainFailure(error, argv.includes("--verbose"));
    progress.note(`${program.name}: ${failure.message}`);
    process.exitCode = failure.exitCode;
  }
}
