import { VisibleError } from "../errors.ts";

/**
 * The part of the sampling in which guidance acts, as fractions of the steps: 0 is pure noise, 1 the end. [a, a] is
 * empty.
 */
export type GuidanceInterval = readonly [from: number, to: number];

/** The steps `first` … `end` − 1. */
interface StepRange {
  readonly first: number;
  readonly end: number;
}

/**
 * The guided steps of `steps`: from floor(from · steps) to before floor(to · steps), as `start` and `stop` of
 * diffusers' guiders. The source states the interval in noise levels, whose fractions depend on the sampler:
 * T. Kynkäänniemi et al., "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in
 * Diffusion Models", 2024.
 *
 * @param begun the first step that runs; above 0 for a start from the photo
 * @throws VisibleError `invalid_option` for invalid fractions, or for A < B with no step between
 */
export function guidedSteps(interval: GuidanceInterval, steps: number, begun: number): StepRange {
  const [from, to] = interval;
  if (!(from >= 0 && from <= to && to <= 1))
    throw new VisibleError(
      "invalid_option",
      `The guidance interval is ${interval.join(",")}; it must be two numbers from 0 to 1, the first at most the second.`,
    );
  // The sum corrects products just below a whole number, such as 0.29 · 100.
  const [first, end] = [from, to].map((share) => Math.floor(share * steps + 1e-9)) as [number, number];
  if (from < to && end <= Math.max(first, begun))
    throw new VisibleError(
      "invalid_option",
      `Guidance interval ${interval.join(",")} contains none of the sampling steps that run; widen it or raise the steps (${steps}).`,
    );
  return { first, end };
}
