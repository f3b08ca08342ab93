import type { Usage } from "./resources/fields.ts";

/** Prices in credits (millionths of a US dollar), as of 2026-11-29. */
export const prices = {
  learningStep: 50,
  /** Minimum price of learning, because reading pairs takes time regardless of steps. */
  learningFloor: 200,
  /** One sampling step of one image. Sampling runs at the model's size, regardless of the photo's. */
  samplingStep: 30,
  /** One million pixels of a result, which has the photo's size. */
  resultMegapixel: 100,
  /** Minimum price of a result. */
  resultFloor: 1000,
  importedFile: 200,
  /** Initial credit of a new account. */
  welcome: 5_000_000,
} as const;

/** Steps to reserve for if the request does not specify them. Only completed steps are charged. */
const assumedSteps = { learning: 500, sampling: 30 } as const;

/** Reservation for learning with `steps`. */
export const learningCost = (steps: number = assumedSteps.learning): number =>
  Math.max(prices.learningFloor, steps * prices.learningStep);

/** Options that determine an edit's reservation. */
interface EditSize {
  /** Sampling steps per result. Default: the model's setting. */
  readonly steps?: number | undefined;
  readonly scheduler?: string | undefined;
  /** Results per image. */
  readonly count?: number | undefined;
  /** With an instruction and text, the model may sample twice. */
  readonly instruction?: string | undefined;
  readonly text?: string | undefined;
  readonly mixing?: "joined" | "in-turn" | undefined;
}

/** Reservation for one image of an edit. @param pixels of the photo */
export function editingCost(
  { steps = assumedSteps.sampling, scheduler, count = 1, instruction, text, mixing }: EditSize,
  pixels: number,
): number {
  const passes = instruction !== undefined && text !== undefined && mixing !== "joined" ? 2 : 1;
  const evaluations = scheduler === "heun" ? 2 * steps - 1 : steps;
  return count * Math.max(prices.resultFloor, sampling(passes * evaluations, pixels));
}

/** Price of measured work. An edit's minimum applies to all its results together. */
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
