import { VisibleError } from "../../shared/errors.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";
import { editNeeds, learnNeeds } from "./model-needs.ts";

export interface MemoryQuestion {
  readonly use: "learn" | "edit";
  /** Of the picture that the model sees, pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels of which both sides must be a multiple. */
  readonly multiple: number;
  /** Bytes that may still be taken. */
  readonly available: number;
}

/**
 * Refuses work that cannot fit, before it starts: where the weights and the intermediate values that must be there at one time
 * are more than the memory that is free. The true need is higher, so what passes here can still fail.
 *
 * @throws VisibleError `not_enough_memory`, naming the largest square that does fit
 */
export function requireMemory(model: ModelFolder, question: MemoryQuestion): void {
  const { use, width, height, available } = question;
  if (use === "learn" && surelyFits(model, question)) return;
  const needed = bytesFor(model, width, height, use);
  if (needed <= available) return;
  const verb = use === "learn" ? "Learning" : "Editing";
  throw new VisibleError(
    "not_enough_memory",
    `${verb} at ${width}×${height} with ${model.id} takes ${gigabytes(needed)} of memory at least, ${gigabytes(available)} are free. ` +
      whatFits(model, question),
  );
}

/** A learning step holds some ten to thirty times what one evaluation does; to differentiate a graph takes a while. */
const generous = 100;

/** From the forward graphs alone, which are quickly made: saves small models the closer look. */
function surelyFits(model: ModelFolder, { width, height, available }: MemoryQuestion): boolean {
  const { weights, activations } = editNeeds(model, width, height);
  return weights + generous * model.defaults.inversion.batchSize * activations <= available;
}

function whatFits(model: ModelFolder, { use, width, height, multiple, available }: MemoryQuestion): string {
  const largest = Math.floor(Math.sqrt(width * height) / multiple) * multiple;
  // Halving the steps: a graph of a large model takes a second to look through.
  let [fits, fails] = [0, largest / multiple + 1];
  while (fails - fits > 1) {
    const tried = Math.floor((fits + fails) / 2);
    const side = tried * multiple;
    if (bytesFor(model, side, side, use) <= available) fits = tried;
    else fails = tried;
  }
  return fits === 0
    ? "No picture size fits: free some memory, or take a smaller model."
    : `What fits: --size ${fits * multiple}, or more free memory.`;
}

function bytesFor(model: ModelFolder, width: number, height: number, use: "learn" | "edit"): number {
  const { weights, activations } = (use === "learn" ? learnNeeds : editNeeds)(model, width, height);
  return weights + activations;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
