import type { ClipTokenizer } from "../tokenizers/clip-tokenizer.ts";

const wordEnd = "</w>";

/** IDs of the tokens that consist of lowercase letters: words or parts of words. */
export function readableTokens(tokenizer: ClipTokenizer): number[] {
  const ids = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id);
  return ids.filter((id) => /^[a-z]{2,}(<\/w>)?$/.test(tokenizer.tokenToString(id) ?? ""));
}

/** Tokens as text, with a space after each token that ends a word. */
export function spellTokens(tokenizer: ClipTokenizer, ids: readonly number[]): string {
  const pieces = ids.map((id) => tokenizer.tokenToString(id) ?? "");
  return pieces
    .map((piece) => (piece.endsWith(wordEnd) ? `${piece.slice(0, -wordEnd.length)} ` : piece))
    .join("")
    .trim();
}
