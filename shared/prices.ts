import type { Usage } from "./resources/fields.ts";

/** In credits: millionths of a US dollar. Dated 2026-11-29. */
export const prices = {
  learningStep: 50,
  /** The least that a learning costs: reading its pairs takes time whatever the steps. */
  learningFloor: 200,
  /** One sampling step of one image. Images are sampled at the model's own size, whatever the photo's. */
  samplingStep: 30,
  /** One million pixels of a result, which has the photo's own size. */
  resultMegapixel: 100,
  /** The least that a result costs. */
  resultFloor: 1000,
  importedFile: 200,
  /** Given to a new account, so that trying costs nothing. */
  welcome: 5_000_000,
} as const;

/** Steps that are reserved for when the caller leaves their number to the model. The charge is for those made. */
const assumedSteps = { learning: 500, sampling: 30 } as const;

/** What a learning of so many steps reserves. */
export const learningCost = (steps: number = assumedSteps.learning): number =>
  Math.max(prices.learningFloor, steps * prices.learningStep);

/** What decides the price of an edit before it runs. */
export interface EditSize {
  /** Sampling steps of one result; the model's own when absent. */
  readonly steps?: number | undefined;
  readonly scheduler?: string | undefined;
  /** Results for each image. */
  readonly count?: number | undefined;
  /** With an instruction and words together the model may sample twice. */
  readonly instruction?: string | undefined;
  readonly text?: string | undefined;
  readonly mixing?: "joined" | "in-turn" | undefined;
}

/** What one image of an edit reserves. @param pixels of the photo */
export function editingCost(
  { steps = assumedSteps.sampling, scheduler, count = 1, instruction, text, mixing }: EditSize,
  pixels: number,
): number {
  const passes = instruction !== undefined && text !== undefined && mixing !== "joined" ? 2 : 1;
  const evaluations = scheduler === "heun" ? 2 * steps - 1 : steps;
  return count * Math.max(prices.resultFloor, sampling(passes * evaluations, pixels));
}

/** What measured work costs. An edit's floor is that of all its results together. */
export function workCost(
  { steps, images, pixels }: Omit<Usage, "credits" | "compute_seconds">,
  kind: "learn" | "edit" | "import",
): number {
  if (kind === "import") return prices.importedFile;
  if (kind === "learn") return learningCost(steps);
  return Math.max(images * prices.resultFloor, sampling(steps, pixels));
}

const sampling = (steps: number, pixels: number): number =>
  Math.ceil(steps * prices.samplingStep + (pixels / 1e6) * prices.resultMegapixel);
