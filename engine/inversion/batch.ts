import type { Samples } from "../pipeline/guidance.ts";
import type { Sample } from "./samples.ts";

/** Samples of one size, stacked for one run of a graph. */
export interface Batch extends Samples {
  readonly samples: readonly Sample[];
  /** [N · C · h · w] */
  readonly target: Float32Array;
}

export function stackSamples(samples: readonly Sample[]): Batch {
  const { height, width } = samples[0]!.pair.after;
  return {
    samples,
    latents: join(samples.map(({ noisy }) => noisy)),
    image: join(samples.map(({ pair }) => pair.before.data)),
    target: join(samples.map(({ target }) => target)),
    timesteps: Float32Array.from(samples, ({ timestep }) => timestep),
    height,
    width,
  };
}

/** Splits `order` into batches of `size`. A batch contains one image size. */
export function cutIntoBatches(order: readonly Sample[], size: number): Sample[][] {
  const open = new Map<string, Sample[]>();
  const batches: Sample[][] = [];
  for (const sample of order) {
    const { height, width } = sample.pair.after;
    const key = `${width}x${height}`;
    const batch = [...(open.get(key) ?? []), sample];
    if (batch.length === size) batches.push(batch);
    open.set(key, batch.length === size ? [] : batch);
  }
  // An incomplete batch is filled by repeating its samples, so that every batch uses the same graph.
  for (const rest of open.values())
    if (rest.length) batches.push(Array.from({ length: size }, (_, i) => rest[i % rest.length]!));
  return batches;
}

function join(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
