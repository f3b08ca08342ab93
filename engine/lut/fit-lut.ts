import { featureCounts, writeMonomials } from "../baselines/edit-features.ts";
import { fitEdit } from "../baselines/fit-edit.ts";
import type { ImagePair } from "../pairs/fit-pairs.ts";
import { type ColorLut, tabulate } from "./color-lut.ts";

/** A table of the least-squares color polynomial of the pairs. @param pairs at least one */
export function fitLut(pairs: readonly ImagePair[], size: number): ColorLut {
  const { weights } = fitEdit(pairs, "cubic");
  const monomials = new Float64Array(featureCounts.cubic);
  const channelOf = (channel: number) => {
    const sum = monomials.reduce((total, value, i) => total + value * weights[3 * i + channel]!, 0);
    return Math.min(1, Math.max(0, sum));
  };
  return tabulate(size, (r, g, b) => {
    writeMonomials(r, g, b, monomials);
    return [channelOf(0), channelOf(1), channelOf(2)];
  });
}
