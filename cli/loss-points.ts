import type { LossPoint } from "visii-engine/images";
import type { Instruction } from "./engine.ts";

/** An instruction's loss curve, including the validation loss at step 0. Empty if no steps were made. */
export function lossPoints({ info: { losses } }: Instruction): LossPoint[] {
  return losses ? [{ step: 0, validation: losses.initialValidation }, ...losses.curve] : [];
}
