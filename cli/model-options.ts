import type { Command } from "commander";
import { type Device, devices, type Precision, precisionHelp, precisions } from "./engine.ts";
import { deviceName, oneOf } from "./parse-values.ts";

/** Model, device and precision: the same options for every command that opens a model. */
export interface ModelOptions {
  readonly model: string;
  readonly device: Device;
  readonly precision: Precision;
}

export function addModelOptions(command: Command): Command {
  return command
    .option(
      "--model <ID|DIR|mini>",
      "the bundled model, a pulled one, or a folder in diffusers layout",
      "mini",
    )
    .option("--device <device>", `${devices.join(", ")}, or cuda:n`, deviceName("--device"), "cpu")
    .option("--precision <type>", precisionHelp, oneOf("--precision", precisions), "fp32");
}
