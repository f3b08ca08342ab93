import { VisibleError } from "visii-engine/errors";
import { type ImagePair, readPairs as readFiles } from "visii-engine/images";
import type { PairNames } from "./collect-pairs.ts";

/**
 * Decodes and aligns the pairs given on the command line. Reports changes to them through `note` and problems
 * through `warn`.
 *
 * @param lutCommand the command that fits a lookup table to the pairs
 * @throws VisibleError `no_pairs`, or any error of the engine's readPairs
 */
export async function readPairs(
  names: readonly PairNames[],
  note: (line: string) => void,
  { warn = note, lutCommand }: { readonly warn?: typeof note; readonly lutCommand?: string } = {},
): Promise<readonly [ImagePair, ...ImagePair[]]> {
  if (!names.length)
    throw new VisibleError("no_pairs", "No pair to learn from; give at least one --pair BEFORE AFTER.");
  const { pairs, notices, warnings } = await readFiles(names, lutCommand === undefined ? {} : { lutCommand });
  for (const notice of notices) note(notice);
  for (const warning of warnings) warn(warning);
  return pairs;
}
