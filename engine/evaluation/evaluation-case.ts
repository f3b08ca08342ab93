import { z } from "zod";
import type { RgbImage } from "../images/rgb-image.ts";

const words = z.string().trim().min(1);
const captions = { caption_before: words.optional(), caption_after: words.optional() };

/** `case.json`, all of it optional; docs/evaluation-set.md says what each key is for. A misspelt key is refused. */
export const caseDescriptionSchema = z.strictObject({
  /** Text instructions to compare with. */
  texts: z.array(words).min(1).optional(),
  /** Words that the method `hybrid` adds to the learned instruction. */
  words: words.optional(),
  /** Cases of one group get tables of their own beside those of the whole set. */
  group: words.optional(),
  ...captions,
  /** Captions of single test photos, by name; they go before those of the case. */
  tests: z.record(z.string(), z.strictObject(captions)).optional(),
});

export type CaseDescription = z.infer<typeof caseDescriptionSchema>;

/** A test photo's files. */
export interface TestFiles {
  /** The file's name without its ending. */
  readonly name: string;
  readonly photo: string;
  /** The true edit, where there is one. */
  readonly truth?: string;
}

/** One case of an evaluation set, as files: what a folder holds, found and named but not yet decoded. */
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

/** The same, decoded. */
export interface OpenCase {
  readonly name: string;
  readonly description: CaseDescription;
  readonly pairs: readonly [OpenPair, ...OpenPair[]];
  readonly tests: readonly OpenTest[];
  /** SHA-256 of every file's bytes and of the description. */
  readonly digest: string;
}

export interface OpenPair {
  readonly before: RgbImage;
  /** As large as `before`. */
  readonly after: RgbImage;
}

export interface OpenTest {
  readonly name: string;
  readonly photo: RgbImage;
  /** As large as `photo`. */
  readonly truth?: RgbImage;
}

/** What the pictures of a test photo's edit would be captioned, where that is known. */
export function captionsOf(
  { tests, ...whole }: CaseDescription,
  test: string,
): { readonly before: string; readonly after: string } | undefined {
  const before = tests?.[test]?.caption_before ?? whole.caption_before;
  const after = tests?.[test]?.caption_after ?? whole.caption_after;
  return before === undefined || after === undefined ? undefined : { before, after };
}
