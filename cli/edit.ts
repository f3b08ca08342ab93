import type { Command } from "commander";
import type { Context } from "./context.ts";
import { editImages, planEdits, printResults } from "./edit-images.ts";
import { withPipeline } from "./engine.ts";
import { nonEmpty } from "./parse-values.ts";
import { addSamplingOptions, type SamplingOptions } from "./sampling-options.ts";

export function addEditCommand(program: Command, context: Context): void {
  const command = program
    .command("edit")
    .description("edit photos by a text instruction alone: the baseline that a learned one must beat")
    .argument("<text>", 'a text instruction, as in "make it night"', nonEmpty("The text"))
    .argument("<IMAGE...>", "photos: JPEG, PNG, WebP or AVIF");
  addSamplingOptions(command).action(async (text: string, images: string[], options: SamplingOptions) => {
    const plan = await planEdits(images, options);
    const results = await withPipeline(options, (pipeline) =>
      editImages(context, pipeline, plan, { text }, options),
    );
    printResults(context, results, options);
  });
}
