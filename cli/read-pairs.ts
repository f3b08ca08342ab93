import { VisibleError } from "visii-engine/errors";
import { alignPair } from "visii-engine/internal/images/align-pair";
import { decodeImage } from "visii-engine/internal/images/decode-image";
import type { ImagePair } from "visii-engine/internal/images/fit-pairs";
import type { PairNames } from "./collect-pairs.ts";

/**
 * Decodes and aligns the pairs of a command line, telling what was done to them (`note`) and what is wrong with them (`warn`).
 * VisibleError when there is none.
 */
export async function readPairs(
  names: readonly PairNames[],
  note: (line: string) => void,
  warn = note,
): Promise<[ImagePair, ...ImagePair[]]> {
  const pairs: ImagePair[] = [];
  for (const { before, after } of names) {
    const [from, to] = [await decodeImage(before), await decodeImage(after)];
    const { notices, warnings, ...pair } = alignPair(from.image, to.image, { before, after });
    for (const notice of notices) note(notice);
    for (const warning of warnings) warn(warning);
    pairs.push(pair);
  }
  const [first, ...others] = pairs;
  if (!first)
    throw new VisibleError(
      "no_pairs",
      "There is no pair to learn from; give at least one --pair BEFORE AFTER.",
    );
  return [first, ...others];
}
