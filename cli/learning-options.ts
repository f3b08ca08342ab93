import type { Command } from "commander";
import type { InversionOptions } from "visii-engine";
import { defined } from "../shared/defined.ts";
import { finiteNumber, oneOf, wholeNumber } from "./parse-values.ts";

/** Training options. Absent options use the model's defaults. */
export interface LearningOptions {
  readonly learningRate?: number;
  readonly batch?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly clipWeight?: number;
  readonly loop?: "fast" | "reference";
}

/** Options that do not work with --server. */
export const localLearningOptions = ["batch", "loop"] as const;

export function addLearningOptions(command: Command): Command {
  return command
    .option(
      "--learning-rate <r>",
      "learning rate of AdamW (default: the model's)",
      finiteNumber("--learning-rate"),
    )
    .option("--batch <N>", "samples per step (default: the model's)", wholeNumber("--batch", 1))
    .option(
      "--text-guidance <s>",
      "text guidance scale in the loss, stored as the instruction's default (default: the model's)",
      finiteNumber("--text-guidance"),
    )
    .option(
      "--image-guidance <s>",
      "image guidance scale in the loss, stored as the instruction's default (default: the model's)",
      finiteNumber("--image-guidance"),
    )
    .option(
      "--clip-weight <w>",
      "weight of the CLIP direction loss; 0 disables it (default: 0.1)",
      finiteNumber("--clip-weight"),
    )
    .option(
      "--loop <loop>",
      "fast, or reference: as in the paper, 1000 steps with three UNet evaluations each",
      oneOf("--loop", ["fast", "reference"]),
    );
}

/** Maps the options to the engine's names. */
export function inversionOptions({
  batch,
  learningRate,
  textGuidance,
  imageGuidance,
  clipWeight,
  loop,
}: LearningOptions): Omit<InversionOptions, "seed"> {
  return {
    ...defined({ learningRate, batchSize: batch, textGuidance, imageGuidance }),
    ...(clipWeight === undefined ? {} : { overrides: { clipWeight } }),
    ...defined({ loop }),
  };
}
