import type { InstructionInfo } from "../instruction/instruction.ts";

/**
 * Share of the loss of the init's words, at the timesteps where an edit is decided, that learning must at least take away to count as having learned. With the bundled model and
 * its own init, edits that it can make lost 40 to 74 percent in 100 steps; posterized, mirrored and shifted pairs 21 to 28.
 */
export const leastGain = 0.3;

/**
 * Sentences for the user about a run that ended but learned nothing, or hardly anything, and what to do.
 *
 * @example
 * const { info } = await readInstruction("edit.visii");
 * for (const warning of learningWarnings(info)) console.warn(warning);
 */
export function learningWarnings({ losses, init }: Pick<InstructionInfo, "losses" | "init">): string[] {
  if (!losses) return [];
  const { validation, wordsValidation, initialValidation } = losses;
  const ofWords = wordsValidation ?? initialValidation;
  // Predicting ε, most of the whole loss is of low timesteps, where no instruction changes anything.
  const { words, learned } = losses.decisive ?? { words: ofWords, learned: validation };
  const figures = (from: number, to: number) => `loss ${from.toFixed(4)} → ${to.toFixed(4)}`;
  const advice =
    "look at an edit of the before image; if it is not the after image, this may be an edit that the model cannot make, or more steps or other first words may help";
  if (validation >= ofWords)
    return [
      `Nothing was learned beyond the words “${init}” (validation ${figures(ofWords, validation)}): ${advice}.`,
    ];
  if (learned > (1 - leastGain) * words)
    return [
      `Hardly anything was learned beyond the words “${init}” (${figures(words, learned)} where an edit is decided): ${advice}.`,
    ];
  return [];
}
