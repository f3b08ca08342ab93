export const initHelp =
  "words to start from, or pair to start from the pair encoder's output (default: pair if the model has one, else the model's words)";

/** Parses `--init`: `pair` selects the pair encoder, anything else is the init words. */
export function startOf(init: string | undefined): { readonly init?: string; readonly start?: "pair" } {
  if (init === undefined) return {};
  return init === "pair" ? { start: "pair" } : { init };
}
