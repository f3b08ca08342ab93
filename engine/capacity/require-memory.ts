import { showBytes } from "../../shared/show-bytes.ts";
import { VisibleError } from "../errors.ts";
import { largestSquare } from "../inversion/largest-square.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";
import { editNeeds, learnNeeds, type Needs } from "./model-needs.ts";

interface MemoryQuestion {
  readonly use: "learn" | "edit";
  /** Of the picture that the model sees, pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels of which both sides must be a multiple. */
  readonly multiple: number;
  /** Bytes that are free. */
  readonly available: number;
  /** Bytes that the model's sessions may take together; they take turns where they must. */
  readonly allowed: number;
}

/**
 * Refuses work that cannot fit, before it starts: where the weights and the intermediate values that must be there at one time
 * are more than the memory that is free, or one session alone is more than is allowed. The true need is higher, so what passes
 * here can still fail.
 *
 * @throws VisibleError `not_enough_memory`, naming the largest square that does fit
 */
export function requireMemory(model: ModelFolder, question: MemoryQuestion): void {
  const { use, width, height, available, allowed } = question;
  if (use === "learn" && surelyFits(model, question)) return;
  const needs = needsFor[use](model, width, height);
  if (fits(needs, question)) return;
  const verb = use === "learn" ? "Learning" : "Editing";
  const short =
    together(needs) > available
      ? `${showBytes(together(needs))} of memory at least, ${showBytes(available)} are free`
      : `${showBytes(needs.largest)} of memory at one time, ${showBytes(allowed)} are allowed`;
  throw new VisibleError(
    "not_enough_memory",
    `${verb} at ${width}×${height} with ${model.id} takes ${short}. ${whatFits(model, question)}`,
  );
}

/** A learning step holds some ten to thirty times what one evaluation does; to differentiate a graph takes a while. */
const generous = 100;

/** From the forward graphs alone, which are quickly made: saves small models the closer look. */
function surelyFits(model: ModelFolder, { width, height, available, allowed }: MemoryQuestion): boolean {
  const { weights, activations } = editNeeds(model, width, height);
  return (
    weights + generous * model.defaults.inversion.batchSize * activations <= Math.min(available, allowed)
  );
}

function whatFits(model: ModelFolder, question: MemoryQuestion): string {
  const side = largestSquare(question, question.multiple, ({ width, height }) =>
    fits(needsFor[question.use](model, width, height), question),
  );
  const more = question.allowed < question.available ? "more with --memory" : "more free memory";
  return side === 0
    ? `No picture size fits: it takes ${more}, or a smaller model.`
    : `What fits: --size ${side}, or ${more}.`;
}

const needsFor = { learn: learnNeeds, edit: editNeeds } as const;

function fits(needs: Needs, { available, allowed }: MemoryQuestion): boolean {
  return together(needs) <= available && needs.largest <= allowed;
}

function together({ weights, activations }: Needs): number {
  return weights + activations;
}
