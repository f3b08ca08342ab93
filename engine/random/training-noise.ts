import { SeededRandom } from "./seeded-random.ts";

/** Shape of latents: [channels, height, width]. */
interface NoiseShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The timestep whose noise is used at `timestep`, which is fractional for some samplers. */
export const noiseLabel = (timestep: number): number => Math.round(timestep);

/**
 * ε_t: the noise of a timestep for a seed. It is drawn independently, so that editing can reuse the
 * instruction's training noise ("fixed noise") without storing it. A value depends only on seed, timestep and
 * position, so latents of two shapes share the noise where they overlap.
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
