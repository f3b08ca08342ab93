import { showBytes } from "../../shared/show-bytes.ts";
import { VisibleError } from "../errors.ts";
import { largestSquare } from "../inversion/largest-square.ts";
import type { ModelFolder } from "../pipeline/model-folder.ts";
import { editNeeds, learnNeeds, type Needs } from "./model-needs.ts";

interface MemoryQuestion {
  readonly use: "learn" | "edit";
  /** Image size for the model, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Both sides must be a multiple of this many pixels. */
  readonly multiple: number;
  /** Free memory in bytes. */
  readonly available: number;
  /** Memory limit of the model's sessions in bytes. Sessions are loaded in turn if needed. */
  readonly allowed: number;
}

/**
 * Rejects work that cannot fit before it starts: if weights and intermediate values exceed the free memory,
 * or one session exceeds the limit. The actual need is higher, so work that passes can still run out of
 * memory.
 *
 * @throws VisibleError `not_enough_memory`, naming the largest square that fits
 */
export function requireMemory(model: ModelFolder, question: MemoryQuestion): void {
  const { use, width, height, available, allowed } = question;
  if (use === "learn" && surelyFits(model, question)) return;
  const needs = needsFor[use](model, width, height);
  if (fits(needs, question)) return;
  const verb = use === "learn" ? "Learning" : "Editing";
  const short =
    together(needs) > available
      ? `${showBytes(together(needs))} of memory, but ${showBytes(available)} are free`
      : `${showBytes(needs.largest)} of memory at once, but the limit is ${showBytes(allowed)}`;
  throw new VisibleError(
    "not_enough_memory",
    `${verb} at ${width}×${height} with ${model.id} needs ${short}. ${whatFits(model, question)}`,
  );
}

/**
 * A learning step needs some ten to thirty times the memory of one evaluation. Used to skip building the
 * gradient graph.
 */
const generous = 100;

/** A quick check on the forward graphs, which avoids the exact check for small models. */
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
    ? `No image size fits; use ${more}, or a smaller model.`
    : `Use --size ${side}, or ${more}.`;
}

const needsFor = { learn: learnNeeds, edit: editNeeds } as const;

function fits(needs: Needs, { available, allowed }: MemoryQuestion): boolean {
  return together(needs) <= available && needs.largest <= allowed;
}

function together({ weights, activations }: Needs): number {
  return weights + activations;
}
