import { colorChangeWarning } from "./baselines/color-change.ts";
import { VisibleError } from "./errors.ts";
import { type ImageSource, openImage } from "./images/image-source.ts";
import { alignPair } from "./pairs/align-pair.ts";
import type { ImagePair } from "./pairs/fit-pairs.ts";

/** A photo before an edit, and the same photo after it. */
export interface PairSource {
  readonly before: ImageSource;
  readonly after: ImageSource;
}

export interface ReadPairs {
  /** Each pair at one size. */
  readonly pairs: readonly [ImagePair, ...ImagePair[]];
  /** Sentences for the user: what was done to the pairs. */
  readonly notices: readonly string[];
  /** Sentences for the user: what keeps the pairs from being learned from well, and what to do. */
  readonly warnings: readonly string[];
}

/**
 * Decodes and aligns pairs to learn from.
 *
 * @param lutCommand a command that makes a lookup table of these pairs; a warning names it where such a table would do
 * @throws VisibleError for no pairs, a photo that cannot be read, or two of different shapes
 * @example
 * const { pairs, warnings } = await readPairs([{ before: "before.jpg", after: "after.jpg" }]);
 */
export async function readPairs(
  sources: readonly PairSource[],
  { lutCommand }: { readonly lutCommand?: string } = {},
): Promise<ReadPairs> {
  const pairs: ImagePair[] = [];
  const notices: string[] = [];
  const warnings: string[] = [];
  for (const [index, { before, after }] of sources.entries()) {
    const names = {
      before: typeof before === "string" ? before : `The before image of pair ${index + 1}`,
      after: typeof after === "string" ? after : `The after image of pair ${index + 1}`,
    };
    const [from, to] = [await openImage(before, names.before), await openImage(after, names.after)];
    const aligned = alignPair(from.image, to.image, names);
    pairs.push({ before: aligned.before, after: aligned.after });
    notices.push(...aligned.notices);
    warnings.push(...aligned.warnings);
  }
  const [first, ...others] = pairs;
  if (!first)
    throw new VisibleError(
      "no_pairs",
      "There is no pair to learn from; give at least one before/after pair.",
    );
  const change = lutCommand === undefined ? undefined : colorChangeWarning(pairs, lutCommand);
  if (change !== undefined) warnings.push(change);
  return { pairs: [first, ...others], notices, warnings };
}
