import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import type { Learned } from "visii-engine";
import { RetryableError, VisibleError } from "visii-engine/errors";
import { writeAtomically } from "visii-engine/files";
import { lossCurvePng, lossCurveSvg, writeImage } from "visii-engine/images";
import { defined } from "../shared/defined.ts";
import type { PairNames } from "./collect-pairs.ts";
import type { Context } from "./context.ts";
import {
  type CaptionKind,
  captionKinds,
  type Instruction,
  type InstructionSpace,
  loadEngine,
  spaces,
  withPipeline,
} from "./engine.ts";
import { parseSize, type Size } from "./image-size.ts";
import { Interrupted } from "./interrupted.ts";
import { keptPath } from "./kept-files.ts";
import {
  addLearningOptions,
  inversionOptions,
  type LearningOptions,
  localLearningOptions,
} from "./learning-options.ts";
import { initHelp, startOf } from "./learning-start.ts";
import { lossPoints } from "./loss-points.ts";
import { addModelOptions, type ModelOptions } from "./model-options.ts";
import { byteSize, nonEmpty, oneOf, wholeNumber } from "./parse-values.ts";
import { showDuration } from "./progress-bar.ts";
import { readPairs } from "./read-pairs.ts";
import { withServer } from "./remote/connect.ts";
import { learnRemotely } from "./remote/learn-remotely.ts";
import { hasResumeState, readResumeState, removeResumeState, resumePath } from "./resume-file.ts";
import { runLearning } from "./run-learning.ts";
import { addServerOptions, type ServerAddress, type ServerOptions, serverAddress } from "./server-options.ts";
import { shellWords } from "./shell-words.ts";

interface LearnOptions extends ServerOptions, ModelOptions, LearningOptions {
  readonly out: string;
  readonly init?: string;
  readonly caption?: CaptionKind;
  readonly phrases?: string;
  readonly space: InstructionSpace;
  readonly steps?: number;
  readonly size?: Size;
  readonly seed: number;
  readonly memory?: number;
  readonly resume?: boolean;
  readonly preview?: string;
  readonly keepEvery?: number;
  readonly json?: boolean;
}

/** Adds `visii learn`. `pairs` were extracted from the arguments before commander parsed them. */
export function addLearnCommand(program: Command, context: Context, pairs: readonly PairNames[]): void {
  const command = addServerOptions(program.command("learn"));
  command
    .description("learn an edit from one or more before/after pairs")
    .usage("--pair BEFORE AFTER [--pair …] --out FILE.visii [options]")
    .option("--pair <BEFORE AFTER>", "two photos of the same scene, before and after the edit; repeatable")
    .requiredOption("--out <FILE.visii>", "output file for the learned instruction", nonEmpty("--out"))
    .option("--init <text|pair>", initHelp, nonEmpty("--init"))
    .addOption(
      new Option(
        "--caption [how]",
        "start from a caption found with the model's CLIP: pez (gradient descent over tokens) or phrase (nearest phrase)",
      )
        .argParser(oneOf("--caption", captionKinds))
        .preset("pez")
        .conflicts("init"),
    )
    .option(
      "--phrases <FILE>",
      "for --caption phrase: a file with one phrase per line",
      nonEmpty("--phrases"),
    )
    .option(
      "--space <space>",
      "what is learned: text (rows of the text embedding) or kv (keys and values of every cross-attention layer)",
      oneOf("--space", spaces),
      "text",
    )
    .option(
      "--steps <N>",
      "learning steps; 0 uses the pair encoder's output unchanged (default: the model's)",
      wholeNumber("--steps", 0),
    )
    .option(
      "--size <N|WxH>",
      "image size for the model, in pixels (default: the model's). InstructPix2Pix was trained at 256, where a step takes 0.22 times the operations of 512",
      parseSize("--size"),
    )
    .option(
      "--seed <S>",
      "random seed; on a CPU the same seed gives the same bits",
      wholeNumber("--seed", 0),
      0,
    );
  addModelOptions(addLearningOptions(command))
    .option(
      "--memory <size>",
      "memory limit for the model; above it, activations are recomputed (default: free memory; on a CPU at most 14GB)",
      byteSize("--memory"),
    )
    .option(
      "--keep-every <N>",
      "also write the instruction every N steps, as FILE@STEP.visii",
      wholeNumber("--keep-every", 1),
    )
    .option("--resume", "continue an interrupted run")
    .option(
      "--preview <DIR>",
      "write preview edits of BEFORE and the loss curve to this folder",
      nonEmpty("--preview"),
    )
    .action((options: LearnOptions) =>
      learn(context, pairs, options, serverAddress(command, options, localLearning)),
    );
}

/** Options that do not work with --server. */
const localLearning = [
  "caption",
  "phrases",
  "size",
  "model",
  "device",
  "precision",
  "memory",
  "resume",
  "preview",
  "keep-every",
  ...localLearningOptions,
] as const;

async function learn(
  context: Context,
  names: readonly PairNames[],
  options: LearnOptions,
  server: ServerAddress | undefined,
): Promise<void> {
  const { out, preview } = options;
  const { progress } = context;
  if (out.endsWith("/"))
    throw new VisibleError("invalid_option", `--out ${out} is a folder; give a file name.`);
  const warnings: string[] = [];
  const warn = (line: string) => {
    warnings.push(line);
    progress.note(line);
  };
  const phrases = await readPhrases(options);
  const pairs = await readPairs(names, (line) => progress.note(line), {
    warn,
    lutCommand: lutCommand(names, out),
  });
  await context.folders.ensure(dirname(out));
  if (preview !== undefined) await context.folders.ensure(preview);
  const finish = ({ instruction, warnings: ofRun }: Learned, seconds: number) => {
    for (const line of ofRun) warn(line);
    const summary = { ...summarize(out, instruction, seconds), warnings };
    context.print(options.json ? JSON.stringify(summary) : describe(out, instruction, seconds));
  };
  if (server) {
    const started = performance.now();
    await withServer(server, (api) => learnRemotely(context, api, names, options));
    const { learningWarnings, readInstruction } = await loadEngine();
    const instruction = await readInstruction(out);
    const seconds = (performance.now() - started) / 1000;
    return finish({ instruction, warnings: learningWarnings(instruction.info) }, seconds);
  }
  const resume = options.resume ? await readResumeState(out) : undefined;
  if (!resume && (await hasResumeState(out)))
    progress.note(`Starting over and discarding an interrupted run (--resume would continue it).`);

  const started = performance.now();
  const { writeInstruction } = await loadEngine();
  const learned = await withPipeline(context, options, (pipeline) =>
    runLearning(context, pipeline, pairs, {
      seed: options.seed,
      ...inversionOptions(options),
      stateFile: resumePath(out),
      ...startOf(options.init),
      ...defined({ caption: options.caption, phrases }),
      space: options.space,
      ...defined({ steps: options.steps, size: options.size, resume }),
      ...(options.keepEvery === undefined
        ? {}
        : {
            keepEvery: options.keepEvery,
            onKept: (kept) => writeInstruction(keptPath(out, kept.info.losses!.bestStep), kept),
          }),
      ...(preview === undefined
        ? {}
        : {
            onPreview: (step, image) =>
              writeImage(join(preview, `step-${String(step).padStart(4, "0")}.png`), image),
          }),
    }),
  ).catch(async (error: unknown) => {
    const goesOn = error instanceof Interrupted || error instanceof RetryableError;
    throw goesOn ? await withWayOn(error, context, out) : error;
  });
  const seconds = (performance.now() - started) / 1000;

  const { instruction } = learned;
  await writeInstruction(out, instruction);
  if (preview !== undefined && instruction.info.losses) await writeLossCurve(preview, instruction);
  await removeResumeState(out);
  finish(learned, seconds);
}

/** The command that fits a lookup table to the same pairs, quoted for a shell. */
function lutCommand(names: readonly PairNames[], out: string): string {
  const pairs = names.flatMap(({ before, after }) => ["--pair", before, after]);
  return `visii ${shellWords(["lut", ...pairs, "--out", `${out.replace(/\.visii$/, "")}.cube`])}`;
}

/** Reads the user's phrases, before any work starts. */
async function readPhrases({ caption, phrases: path }: LearnOptions): Promise<string[] | undefined> {
  if (path === undefined) return undefined;
  if (caption !== "phrase")
    throw new VisibleError("invalid_option", "--phrases requires --caption phrase; add it.");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new VisibleError("phrases_not_found", `${path} cannot be read; --phrases must name a text file.`, {
      cause,
    });
  });
  const { parsePhrases } = await loadEngine();
  return parsePhrases(text);
}

/** Adds the command that continues the run to the error of a Ctrl-C or a device failure. */
async function withWayOn(
  error: Interrupted | RetryableError,
  { argv }: Context,
  out: string,
): Promise<Interrupted | RetryableError> {
  const again = argv.filter((word) => word !== "--resume");
  const way = (await hasResumeState(out))
    ? `To continue:\n  visii ${shellWords([...again, "--resume"])}`
    : "Run the same command to start again.";
  const message = `${error.message} ${way}`;
  return error instanceof Interrupted
    ? new Interrupted(message)
    : new RetryableError(message, { cause: error });
}

/** Writes loss-curve.png and loss-curve.svg to `folder`. */
export async function writeLossCurve(folder: string, instruction: Instruction): Promise<void> {
  const points = lossPoints(instruction);
  await writeAtomically(join(folder, "loss-curve.png"), await lossCurvePng(points));
  await writeAtomically(join(folder, "loss-curve.svg"), lossCurveSvg(points));
}

function summarize(out: string, { info }: Instruction, seconds: number) {
  const { curve: _, ...losses } = info.losses ?? { curve: [] };
  return {
    out,
    steps: info.hyperParameters.steps,
    seconds: Number(seconds.toFixed(3)),
    ...info.counts,
    ...(info.losses ? { loss: losses } : {}),
    init: info.init,
    ...defined({ start: info.start }),
    space: info.space,
    seed: info.seed,
    model: info.modelId,
  };
}

function describe(out: string, { info, tokenCount }: Instruction, seconds: number): string {
  const { losses } = info;
  const made = losses
    ? `Learned ${tokenCount} tokens in ${showDuration(seconds)}: validation loss ${losses.initialValidation.toFixed(4)} → ${losses.validation.toFixed(4)}.`
    : `Encoded the pair as ${tokenCount} tokens in ${showDuration(seconds)}; use --steps above 0 to refine them.`;
  return [made, `Apply it:  visii apply ${shellWords([out])} PHOTO… --out DIR`].join("\n");
}
