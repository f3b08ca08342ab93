/** The stages of learning, as the engine and the service name them, for the progress bar. */
export const stageNames: Readonly<Record<string, string>> = {
  find_caption: "finding a caption",
  prepare: "reading the pair",
  prepare_samples: "preparing samples",
  learn: "learning <ins>",
};
