import type { Command } from "commander";
import {
  type ColorProfileMode,
  colorProfileModes,
  type DetailMode,
  detailModes,
  type MetadataMode,
} from "visii-engine/options";
import { type SchedulerKind, schedulerKinds } from "./engine.ts";
import { parseSize, type Size } from "./image-size.ts";
import { addMetadataOption } from "./metadata-option.ts";
import { addModelOptions, type ModelOptions } from "./model-options.ts";
import { byteSize, finiteNumber, interval, nonEmpty, oneOf, share, wholeNumber } from "./parse-values.ts";
import { addServerOptions, type ServerOptions } from "./server-options.ts";

/** Options that `apply` and `edit` share. */
export interface SamplingOptions extends ServerOptions, ModelOptions {
  readonly out: string;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly guidanceInterval?: readonly [number, number];
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
  readonly metadata: MetadataMode;
  readonly colorProfile: ColorProfileMode;
  readonly json?: boolean;
}

const noises = ["fixed", "fresh"] as const;

/** Options that do not work with --server. */
export const localSampling = ["size", "detail", "model", "device", "precision", "memory"] as const;

export function addSamplingOptions(command: Command): Command {
  addServerOptions(command)
    .requiredOption("--out <DIR>", "folder for the results", nonEmpty("--out"))
    .option(
      "--text-guidance <s>",
      "text guidance scale: strength of the edit (default: as learned; for text prompts, the model's)",
      finiteNumber("--text-guidance"),
    )
    .option(
      "--image-guidance <s>",
      "image guidance scale: similarity to the photo (default: as learned; for text prompts, the model's)",
      finiteNumber("--image-guidance"),
    )
    .option(
      "--guidance-interval <A,B>",
      "guide only the steps from A to B, as fractions: 0 is pure noise, 1 the end; other steps take one UNet evaluation instead of three (default: 0,1)",
      interval("--guidance-interval"),
    )
    .option("--steps <N>", "sampling steps (default: the model's)", wholeNumber("--steps", 1))
    .option(
      "--scheduler <name>",
      `sampler: ${schedulerKinds.join(", ")} (default: the model's)`,
      oneOf("--scheduler", schedulerKinds),
    )
    .option("--negative <words>", "negative prompt; requires text guidance above 1", nonEmpty("--negative"))
    .option(
      "--strength <s>",
      "above 0 and at most 1; a lower value starts from the photo with less noise and changes it less (default: 1)",
      share("--strength"),
    )
    .option(
      "--mask <FILE>",
      "mask image with the photo's aspect ratio: white is edited, black is kept",
      nonEmpty("--mask"),
    )
    .option(
      "--noise <kind>",
      "fixed: the training noise; fresh: drawn from the seed",
      oneOf("--noise", noises),
    )
    .option("--seed <S>", "random seed, for fresh noise and text prompts", wholeNumber("--seed", 0), 0)
    .option("--count <K>", "results per photo (above 1 uses fresh noise)", wholeNumber("--count", 1), 1)
    .option(
      "--size <N|WxH>",
      "image size for the model, in pixels (default: the model's). InstructPix2Pix was trained at 256, where an edit takes 0.23 times the operations of 512",
      parseSize("--size"),
    )
    .option(
      "--detail <how>",
      `how detail of large photos is restored: ${detailModes.join(", ")}`,
      oneOf("--detail", detailModes),
      "transfer",
    )
    .option(
      "--color-profile <which>",
      "color space of results: srgb, or keep (the photo's own, such as Display P3)",
      oneOf("--color-profile", colorProfileModes),
      "srgb",
    );
  return addModelOptions(addMetadataOption(command)).option(
    "--memory <size>",
    "memory limit for the model (default: free memory; on a CPU at most 14GB)",
    byteSize("--memory"),
  );
}
