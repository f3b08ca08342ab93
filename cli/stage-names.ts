/** Names of the learning stages for the progress bar, by their names in the engine and the service. */
export const stageNames: Readonly<Record<string, string>> = {
  find_caption: "finding a caption",
  prepare: "reading the pair",
  prepare_samples: "preparing samples",
  learn: "learning <ins>",
};
