import type { InstructionInfo } from "../instruction/instruction.ts";

/**
 * Minimum share of the loss of the init's words, at the timesteps where an edit is decided, that learning
 * must remove. With the bundled model, the edits of its evaluation set lose 10 to 87%: styles with much
 * random texture lose little even if they are learned well.
 */
export const minGain = 0.08;

/**
 * Warnings for the user about a run that learned little or nothing, with advice.
 *
 * @example
 * const { info } = await readInstruction("edit.visii");
 * for (const warning of learningWarnings(info)) console.warn(warning);
 */
export function learningWarnings({ losses, init }: Pick<InstructionInfo, "losses" | "init">): string[] {
  if (!losses) return [];
  const { validation, wordsValidation, initialValidation } = losses;
  const ofWords = wordsValidation ?? initialValidation;
  // For ε prediction, low timesteps dominate the total loss, and instructions do not affect those.
  const { words, learned } = losses.decisive ?? { words: ofWords, learned: validation };
  const figures = (from: number, to: number) => `loss ${from.toFixed(4)} → ${to.toFixed(4)}`;
  const advice =
    "check an edit of the before image. If it differs from the after image, try more steps or other words to start from; the model may also be unable to make this edit";
  if (validation >= ofWords)
    return [
      `Nothing was learned beyond the init “${init}” (validation ${figures(ofWords, validation)}); ${advice}.`,
    ];
  if (learned > (1 - minGain) * words)
    return [
      `Hardly anything was learned beyond the init “${init}” (${figures(words, learned)} at the timesteps that decide an edit); ${advice}.`,
    ];
  return [];
}
