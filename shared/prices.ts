import type { Usage } from "./resources/fields.ts";

/** In credits: millionths of a US dollar. Dated 2026-11-23; one file, so that a change is one line. */
export const prices = {
  learningStep: 50,
  editedImage: 1000,
  /** Given to a new account, so that trying costs nothing. */
  welcome: 5_000_000,
} as const;

/** Steps of learning reserved for when the caller leaves them to the model; settled by those really made. */
export const assumedLearningSteps = 500;

export const learningCost = (steps: number | undefined): number =>
  (steps ?? assumedLearningSteps) * prices.learningStep;

export const editingCost = (images: number): number => images * prices.editedImage;

/** What measured work costs. */
export const settledCost = (
  { steps, images }: Omit<Usage, "credits">,
  kind: "learn" | "edit" | "import",
): number => (kind === "learn" ? steps * prices.learningStep : kind === "edit" ? editingCost(images) : 0);
