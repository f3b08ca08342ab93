import type { Command } from "commander";
import type { Context } from "./context.ts";
import { editImages, planEdits, printResults } from "./edit-images.ts";
import { loadEngine, type Mixing, mixings, withPipeline } from "./engine.ts";
import { nonEmpty, oneOf } from "./parse-values.ts";
import { withServer } from "./remote/connect.ts";
import { editRemotely, withInstruction } from "./remote/edit-remotely.ts";
import { addSamplingOptions, localSampling, type SamplingOptions } from "./sampling-options.ts";
import { type ServerAddress, serverAddress } from "./server-options.ts";

interface ApplyOptions extends SamplingOptions {
  readonly text?: string;
  readonly mixing?: Mixing;
}

/** Adds `visii apply`. */
export function addApplyCommand(program: Command, context: Context): void {
  const command = program
    .command("apply")
    .description("apply a learned instruction to photos")
    .argument(
      "<FILE.visii>",
      "a learned instruction; with --server, also the ID of an instruction on the server",
    )
    .argument("<IMAGE...>", "photos: JPEG, PNG, WebP, AVIF, HEIC or TIFF")
    .option("--text <words>", "a text prompt to combine with the instruction", nonEmpty("--text"))
    .option(
      "--mixing <how>",
      "joined: instruction and text in one prompt; in-turn: a second edit by the text (default: the model's)",
      oneOf("--mixing", mixings),
    );
  addSamplingOptions(command).action((file: string, images: string[], options: ApplyOptions) =>
    apply(context, file, images, options, serverAddress(command, options, localSampling)),
  );
}

async function apply(
  context: Context,
  file: string,
  images: readonly string[],
  options: ApplyOptions,
  server: ServerAddress | undefined,
): Promise<void> {
  const words = options.text === undefined ? {} : { text: options.text };
  const mixing = options.mixing === undefined ? {} : { mixing: options.mixing };
  if (server) {
    const plan = await planEdits(context, images, options);
    const results = await withServer(server, (api) =>
      withInstruction(context, api, file, (instruction) =>
        editRemotely(context, api, plan, { instruction, ...words, ...mixing }, options),
      ),
    );
    return printResults(context, results, options);
  }
  const { readInstruction, requireSameModel } = await loadEngine();
  const instruction = await readInstruction(file);
  const plan = await planEdits(context, images, options);
  const prompt = { instruction, ...words };
  const results = await withPipeline(context, options, (pipeline) => {
    requireSameModel(pipeline, instruction);
    return editImages(context, pipeline, plan, prompt, options);
  });
  printResults(context, results, options);
}
