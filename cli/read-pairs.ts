import { VisibleError } from "visii-engine/errors";
import { type ImagePair, readPairs as readFiles } from "visii-engine/images";
import type { PairNames } from "./collect-pairs.ts";

/**
 * Decodes and aligns the pairs of a command line, telling what was done to them (`note`) and what is wrong with them (`warn`).
 *
 * @param lutCommand makes a lookup table of the pairs
 * @throws VisibleError `no_pairs`, or as the engine's readPairs does
 */
export async function readPairs(
  names: readonly PairNames[],
  note: (line: string) => void,
  { warn = note, lutCommand }: { readonly warn?: typeof note; readonly lutCommand?: string } = {},
): Promise<readonly [ImagePair, ...ImagePair[]]> {
  if (!names.length)
    throw new VisibleError(
      "no_pairs",
      "There is no pair to learn from; give at least one --pair BEFORE AFTER.",
    );
  const { pairs, notices, warnings } = await readFiles(names, lutCommand === undefined ? {} : { lutCommand });
  for (const notice of notices) note(notice);
  for (const warning of warnings) warn(warning);
  return pairs;
}
