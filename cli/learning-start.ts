export const initHelp =
  "words to start from, or pair: what the model's pair encoder reads off the pair (default: pair, or the model's words)";

/** `--init`: the word `pair` for the pair encoder, any other words for themselves. */
export function startOf(init: string | undefined): { readonly init?: string; readonly start?: "pair" } {
  if (init === undefined) return {};
  return init === "pair" ? { start: "pair" } : { init };
}
