import type { Command } from "commander";
import { type DetailMode, detailModes } from "visii-engine/options";
import { type SchedulerKind, schedulerKinds } from "./engine.ts";
import { addModelOptions, type ModelOptions } from "./model-options.ts";
import { byteSize, finiteNumber, nonEmpty, oneOf, share, wholeNumber } from "./parse-values.ts";
import { parseSize, type Size } from "./picture-size.ts";
import { addServerOptions, type ServerOptions } from "./server-options.ts";

/** What `apply` and `edit` have in common. */
export interface SamplingOptions extends ServerOptions, ModelOptions {
  readonly out: string;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly steps?: number;
  readonly scheduler?: SchedulerKind;
  readonly noise?: "fixed" | "fresh";
  readonly negative?: string;
  readonly strength?: number;
  readonly mask?: string;
  readonly seed: number;
  readonly count: number;
  readonly size?: Size;
  readonly memory?: number;
  readonly detail: DetailMode;
  readonly json?: boolean;
}

const noises = ["fixed", "fresh"] as const;

/** Those that only this machine can honour. */
export const localSampling = ["size", "mask", "detail", "model", "device", "precision", "memory"] as const;

export function addSamplingOptions(command: Command): Command {
  addServerOptions(command)
    .requiredOption("--out <DIR>", "folder for the results", nonEmpty("--out"))
    .option(
      "--text-guidance <s>",
      "how strongly to edit (default: as learned; for words the model's)",
      finiteNumber("--text-guidance"),
    )
    .option(
      "--image-guidance <s>",
      "how closely to keep to the photo (default: likewise)",
      finiteNumber("--image-guidance"),
    )
    .option("--steps <N>", "sampling steps (default: the model's)", wholeNumber("--steps", 1))
    .option(
      "--scheduler <name>",
      `the sampler: ${schedulerKinds.join(", ")} (default: the model's)`,
      oneOf("--scheduler", schedulerKinds),
    )
    .option(
      "--negative <words>",
      "what the result should not be; for guidance above 1",
      nonEmpty("--negative"),
    )
    .option(
      "--strength <s>",
      "above 0, at most 1: start from the photo under less noise, and change it less (default: 1)",
      share("--strength"),
    )
    .option(
      "--mask <FILE>",
      "edit where this picture of the photo's shape is white, keep where it is black",
      nonEmpty("--mask"),
    )
    .option("--noise <kind>", "fixed: that of learning; fresh: drawn from the seed", oneOf("--noise", noises))
    .option("--seed <S>", "for fresh noise, and for edits by text", wholeNumber("--seed", 0), 0)
    .option("--count <K>", "results for each photo (above 1: fresh noise)", wholeNumber("--count", 1), 1)
    .option(
      "--size <N|WxH>",
      "picture size inside the model, in pixels (default: the model's)",
      parseSize("--size"),
    )
    .option(
      "--detail <how>",
      `detail of large photos: ${detailModes.join(", ")}`,
      oneOf("--detail", detailModes),
      "transfer",
    );
  return addModelOptions(command).option(
    "--memory <size>",
    "how much the model may take (default: what is free; on a CPU 14GB at most)",
    byteSize("--memory"),
  );
}
