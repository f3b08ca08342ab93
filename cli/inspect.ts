import type { Command } from "commander";
import { VisibleError } from "visii-engine/errors";
import type { Context } from "./context.ts";
import { type Instruction, type InstructionSpace, type Losses, loadEngine, withPipeline } from "./engine.ts";
import { keptFiles } from "./kept-files.ts";
import { wholeNumber } from "./parse-values.ts";

interface InspectOptions {
  readonly model: string;
  readonly words: number;
  readonly json?: boolean;
}

type NearestWords = readonly { readonly words: readonly string[]; readonly cosine: readonly number[] }[];

/** Adds `visii inspect`. */
export function addInspectCommand(program: Command, context: Context): void {
  program
    .command("inspect")
    .description("show what a learned instruction contains and how it was made")
    .argument("<FILE.visii>", "a learned instruction")
    .option("--model <DIR|mini>", "the model it was learned with, for the nearest words", "mini")
    .option("--words <K>", "number of nearest words per learned token", wholeNumber("--words", 1), 5)
    .action((file: string, options: InspectOptions) => inspect(context, file, options));
}

async function inspect(context: Context, file: string, options: InspectOptions): Promise<void> {
  const { readInstruction } = await loadEngine();
  const instruction = await readInstruction(file);
  const words = await nearest(context, instruction, options);
  const kept = await keptFiles(file);
  if (!options.json) return context.print(describe(file, kept, instruction, words));
  const { tokenCount, dimension, info } = instruction;
  const { curve: _, ...losses } = info.losses ?? { curve: [] };
  const made = { ...info, ...(info.losses ? { losses } : {}) };
  context.print(
    JSON.stringify({ file, kept, tokens: tokenCount, dimension, ...made, nearestWords: words ?? null }),
  );
}

/** Returns undefined, with a note, if the model is not available; the rest of the output does not need it. */
async function nearest(
  context: Context,
  instruction: Instruction,
  { model, words }: InspectOptions,
): Promise<NearestWords | undefined> {
  const { nearestWords, requireSameModel } = await loadEngine();
  try {
    return await withPipeline(context, { model, device: "cpu" }, async (pipeline) => {
      requireSameModel(pipeline, instruction);
      return await nearestWords(pipeline, instruction, words);
    });
  } catch (error) {
    if (!(error instanceof VisibleError)) throw error;
    context.progress.note(`Nearest words are not shown: ${error.message}`);
    return undefined;
  }
}

const spaceNames: Readonly<Record<InstructionSpace, string>> = {
  text: "text: rows of the text embedding",
  kv: "kv: keys and values of the cross-attention layers",
};

function lossFacts(losses: Losses): readonly (readonly [string, string])[] {
  return [
    ["loss", `first ${losses.first.toFixed(4)}, last ${losses.last.toFixed(4)}`],
    [
      "validation",
      `${losses.initialValidation.toFixed(4)} → ${losses.validation.toFixed(4)}, best after step ${losses.bestStep}`,
    ],
  ];
}

function describe(
  file: string,
  kept: readonly string[],
  { info, tokenCount, dimension, attentions }: Instruction,
  words?: NearestWords,
): string {
  const { hyperParameters: made, losses, counts } = info;
  const facts: readonly (readonly [string, string])[] = [
    ["file", file],
    ...(kept.length ? [["kept", kept.join(", ")] as const] : []),
    ["model", `${info.modelId} (weights ${info.weightHash.slice(0, 12)})`],
    ["space", spaceNames[info.space]],
    [
      "tokens",
      `${tokenCount} × ${dimension}${attentions ? `, in ${attentions.length} attention layers` : ""}`,
    ],
    ["seed", String(info.seed)],
    ["init", `"${info.init}"`],
    ["start", info.start === "pair" ? "the pair encoder's output" : "the init words"],
    [
      "learned",
      `${made.steps} steps, batch size ${made.batchSize}, learning rate ${made.learningRate}, ${made.loop} loop, ${made.precision ?? "fp32"}`,
    ],
    ["from", `${made.pairs} ${made.pairs === 1 ? "pair" : "pairs"} at ${made.width}×${made.height}`],
    ["guidance", `text ${made.textGuidance}, image ${made.imageGuidance}`],
    ...(losses ? lossFacts(losses) : []),
    ["UNet", `${counts.unetForwards} forward, ${counts.unetBackwards} backward`],
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(12)}${value}`);
  if (words) {
    lines.push("", "Nearest words to each learned token (an approximation):");
    for (const [index, token] of words.entries()) {
      const listed = token.words.map((word, rank) => `${word} ${token.cosine[rank]!.toFixed(2)}`);
      lines.push(`  ${String(index + 1).padStart(2)}  ${listed.join(", ")}`);
    }
  }
  return lines.join("\n");
}
