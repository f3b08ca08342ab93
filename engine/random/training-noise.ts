import { SeededRandom } from "./seeded-random.ts";

/** Of latents: [channels, height, width]. */
export interface NoiseShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The timestep whose noise is used at `timestep`, which some samplers give between two whole ones. */
export const noiseLabel = (timestep: number): number => Math.round(timestep);

/**
 * ε_t: the noise that belongs to a timestep of one seed, drawn on its own, so that editing can use the very noise that
 * the instruction was learned under ("fixed noise") without it being stored. A seed, a timestep and a position decide a
 * value: where latents of two shapes overlap, their noise is the same.
 */
export function trainingNoise(
  seed: number,
  timestep: number,
  { channels, height, width }: NoiseShape,
): Float32Array {
  const noise = new Float32Array(channels * height * width);
  for (let channel = 0; channel < channels; channel++)
    for (let y = 0; y < height; y++) {
      const row = new SeededRandom(seed, "noise", noiseLabel(timestep), channel, y);
      noise.set(row.normals(width), (channel * height + y) * width);
    }
  return noise;
}
