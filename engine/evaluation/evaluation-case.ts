import { z } from "zod";
import type { RgbImage } from "../images/rgb-image.ts";

const words = z.string().trim().min(1);
const captions = { caption_before: words.optional(), caption_after: words.optional() };

/**
 * Schema of `case.json`. All keys are optional and unknown keys are rejected; docs/evaluation-set.md
 * describes them.
 */
export const caseDescriptionSchema = z.strictObject({
  /** Text prompts to compare with. */
  texts: z.array(words).min(1).optional(),
  /** Words that the method `hybrid` adds to the instruction. */
  words: words.optional(),
  /** Group of the case. Each group gets tables of its own. */
  group: words.optional(),
  ...captions,
  /** Captions of single test photos by name; they override those of the case. */
  tests: z.record(z.string(), z.strictObject(captions)).optional(),
});

export type CaseDescription = z.infer<typeof caseDescriptionSchema>;

/** Files of a test photo. */
export interface TestFiles {
  /** File name without extension. */
  readonly name: string;
  readonly photo: string;
  /** The true edit, if there is one. */
  readonly truth?: string;
}

/** Files of one case, located but not decoded. */
export interface CaseFiles {
  readonly name: string;
  readonly pairs: readonly [PairFiles, ...PairFiles[]];
  readonly tests: readonly TestFiles[];
  readonly description: CaseDescription;
}

export interface PairFiles {
  readonly before: string;
  readonly after: string;
}

/** A decoded case. */
export interface OpenCase {
  readonly name: string;
  readonly description: CaseDescription;
  readonly pairs: readonly [OpenPair, ...OpenPair[]];
  readonly tests: readonly OpenTest[];
  /** SHA-256 of all files and the description. */
  readonly digest: string;
}

export interface OpenPair {
  readonly before: RgbImage;
  /** Same size as `before`. */
  readonly after: RgbImage;
}

export interface OpenTest {
  readonly name: string;
  readonly photo: RgbImage;
  /** Same size as `photo`. */
  readonly truth?: RgbImage;
}

/** Captions of a test photo before and after the edit, if known. */
export function captionsOf(
  { tests, ...whole }: CaseDescription,
  test: string,
): { readonly before: string; readonly after: string } | undefined {
  const before = tests?.[test]?.caption_before ?? whole.caption_before;
  const after = tests?.[test]?.caption_after ?? whole.caption_after;
  return before === undefined || after === undefined ? undefined : { before, after };
}
