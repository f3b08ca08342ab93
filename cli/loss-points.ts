import type { LossPoint } from "visii-engine/images";
import type { Instruction } from "./engine.ts";

/** An instruction's curve for drawing, the validation loss of its start at step 0 included; empty where no step was made. */
export function lossPoints({ info: { losses } }: Instruction): LossPoint[] {
  return losses ? [{ step: 0, validation: losses.initialValidation }, ...losses.curve] : [];
}
