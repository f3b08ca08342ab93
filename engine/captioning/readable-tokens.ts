import type { ClipTokenizer } from "../tokenizers/clip-tokenizer.ts";

const wordEnd = "</w>";

/** Ids of the tokens that are lower-case letters alone, whole words or parts of them. */
export function readableTokens(tokenizer: ClipTokenizer): number[] {
  const ids = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id);
  return ids.filter((id) => /^[a-z]{2,}(<\/w>)?$/.test(tokenizer.tokenToString(id) ?? ""));
}

/** Tokens as text: a space after each that ends a word. */
export function spellTokens(tokenizer: ClipTokenizer, ids: readonly number[]): string {
  const pieces = ids.map((id) => tokenizer.tokenToString(id) ?? "");
  return pieces
    .map((piece) => (piece.endsWith(wordEnd) ? `${piece.slice(0, -wordEnd.length)} ` : piece))
    .join("")
    .trim();
}
