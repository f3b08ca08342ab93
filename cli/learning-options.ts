import type { Command } from "commander";
import type { InversionOptions } from "visii-engine";
import { finiteNumber, oneOf, wholeNumber } from "./parse-values.ts";

/** How `learn` descends; what is absent is the model's recommendation. */
export interface LearningOptions {
  readonly learningRate?: number;
  readonly batch?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly clipWeight?: number;
  readonly loop?: "fast" | "reference";
}

/** Those that only this machine can honour. */
export const localLearningOptions = ["batch", "loop"] as const;

export function addLearningOptions(command: Command): Command {
  return command
    .option("--learning-rate <r>", "of AdamW (default: the model's)", finiteNumber("--learning-rate"))
    .option("--batch <N>", "samples in a step (default: the model's)", wholeNumber("--batch", 1))
    .option(
      "--text-guidance <s>",
      "inside the loss, and later the instruction's own (default: the model's)",
      finiteNumber("--text-guidance"),
    )
    .option("--image-guidance <s>", "likewise", finiteNumber("--image-guidance"))
    .option(
      "--clip-weight <w>",
      "of the CLIP direction in the loss; 0 leaves it out (default: 0.1)",
      finiteNumber("--clip-weight"),
    )
    .option(
      "--loop <loop>",
      "fast, or reference: the paper's own, 1000 steps of three evaluations each",
      oneOf("--loop", ["fast", "reference"]),
    );
}

/** As the engine calls them. */
export function inversionOptions({
  batch,
  learningRate,
  textGuidance,
  imageGuidance,
  clipWeight,
  loop,
}: LearningOptions): Omit<InversionOptions, "seed"> {
  return {
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(batch === undefined ? {} : { batchSize: batch }),
    ...(textGuidance === undefined ? {} : { textGuidance }),
    ...(imageGuidance === undefined ? {} : { imageGuidance }),
    ...(clipWeight === undefined ? {} : { overrides: { clipWeight } }),
    ...(loop === undefined ? {} : { loop }),
  };
}
