import type { LossPoint } from "visii-engine/internal/images/loss-curve";
import type { Instruction } from "./engine.ts";

/** An instruction's curve for drawing, the validation loss of its init at step 0 included. */
export function lossPoints({ info: { losses } }: Instruction): LossPoint[] {
  return [{ step: 0, validation: losses.initialValidation }, ...losses.curve];
}
