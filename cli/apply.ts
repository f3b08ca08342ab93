import type { Command } from "commander";
import type { Context } from "./context.ts";
import { editImages, planEdits, printResults } from "./edit-images.ts";
import { loadEmbedInstruction, loadInstructionFile, withPipeline } from "./engine.ts";
import { nonEmpty } from "./parse-values.ts";
import { addSamplingOptions, type SamplingOptions } from "./sampling-options.ts";

interface ApplyOptions extends SamplingOptions {
  readonly text?: string;
}

export function addApplyCommand(program: Command, context: Context): void {
  const command = program
    .command("apply")
    .description("apply a learned instruction to photos")
    .argument("<FILE.visii>", "a learned instruction")
    .argument("<IMAGE...>", "photos: JPEG, PNG, WebP or AVIF")
    .option("--text <words>", "words to mix in", nonEmpty("--text"));
  addSamplingOptions(command).action((file: string, images: string[], options: ApplyOptions) =>
    apply(context, file, images, options),
  );
}

async function apply(
  context: Context,
  file: string,
  images: readonly string[],
  options: ApplyOptions,
): Promise<void> {
  const { readInstruction } = await loadInstructionFile();
  const instruction = await readInstruction(file);
  const plan = await planEdits(images, options);
  const { requireSameModel } = await loadEmbedInstruction();
  const prompt = { instruction, ...(options.text === undefined ? {} : { text: options.text }) };
  const results = await withPipeline(options, (pipeline) => {
    requireSameModel(pipeline, instruction);
    return editImages(context, pipeline, plan, prompt, options);
  });
  printResults(context, results, options);
}
