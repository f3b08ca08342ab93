import type { InstructionInfo } from "../instruction/instruction.ts";

/**
 * Share of the init's validation loss that learning must at least take away to count as having learned. With the bundled model and
 * its own init, edits that it can make lost 40 to 74 percent in 100 steps; posterized, mirrored and shifted pairs 21 to 28.
 */
export const leastGain = 0.3;

/** Sentences for the user about a run that ended but learned nothing, or hardly anything, and what to do. */
export function learningWarnings({ losses, init }: Pick<InstructionInfo, "losses" | "init">): string[] {
  const { initialValidation, validation, bestStep } = losses;
  const figures = `validation loss ${initialValidation.toFixed(4)} → ${validation.toFixed(4)}`;
  const advice =
    "look at an edit of the before image; if it is not the after image, this may be an edit that the model cannot make, or more steps or other first words may help";
  if (bestStep === 0 || validation >= initialValidation)
    return [`Nothing was learned beyond the words “${init}” (${figures}): ${advice}.`];
  if (validation > (1 - leastGain) * initialValidation)
    return [`Hardly anything was learned beyond the words “${init}” (${figures}): ${advice}.`];
  return [];
}
