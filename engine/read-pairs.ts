import { colorChangeWarning } from "./baselines/color-change.ts";
import { VisibleError } from "./errors.ts";
import { type ImageSource, openImage } from "./images/image-source.ts";
import { alignPair } from "./pairs/align-pair.ts";
import type { ImagePair } from "./pairs/fit-pairs.ts";

/** A photo before and after an edit. */
export interface PairSource {
  readonly before: ImageSource;
  readonly after: ImageSource;
}

export interface ReadPairs {
  /** Each pair at one size. */
  readonly pairs: readonly [ImagePair, ...ImagePair[]];
  /** Messages for the user about changes made to the pairs. */
  readonly notices: readonly string[];
  /** Messages for the user about problems of the pairs, and how to fix them. */
  readonly warnings: readonly string[];
}

/**
 * Decodes and aligns pairs to learn from.
 *
 * @param lutCommand the command that fits a lookup table to these pairs; a warning names it if a table is
 * sufficient
 * @throws VisibleError for no pairs, an unreadable photo, or different aspect ratios
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
    throw new VisibleError("no_pairs", "No pair to learn from; give at least one before/after pair.");
  const change = lutCommand === undefined ? undefined : colorChangeWarning(pairs, lutCommand);
  if (change !== undefined) warnings.push(change);
  return { pairs: [first, ...others], notices, warnings };
}
