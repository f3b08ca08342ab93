import type { Command } from "commander";
import type { Context } from "./context.ts";
import { editImages, planEdits, printResults } from "./edit-images.ts";
import { withPipeline } from "./engine.ts";
import { nonEmpty } from "./parse-values.ts";
import { withServer } from "./remote/connect.ts";
import { editRemotely } from "./remote/edit-remotely.ts";
import { addSamplingOptions, localSampling, type SamplingOptions } from "./sampling-options.ts";
import { serverAddress } from "./server-options.ts";

/** Adds `visii edit`. */
export function addEditCommand(program: Command, context: Context): void {
  const command = program
    .command("edit")
    .description("edit photos by a text prompt only: the baseline for learned instructions")
    .argument("<text>", 'a text prompt, such as "make it night"', nonEmpty("The text"))
    .argument("<IMAGE...>", "photos: JPEG, PNG, WebP, AVIF, HEIC or TIFF");
  addSamplingOptions(command).action(async (text: string, images: string[], options: SamplingOptions) => {
    const server = serverAddress(command, options, localSampling);
    const plan = await planEdits(context, images, options);
    const results = server
      ? await withServer(server, (api) => editRemotely(context, api, plan, { text }, options))
      : await withPipeline(context, options, (pipeline) =>
          editImages(context, pipeline, plan, { text }, options),
        );
    printResults(context, results, options);
  });
}
