import { SeededRandom } from "./seeded-random.ts";

/**
 * ε_t: the noise that belongs to a timestep of one seed, drawn on its own, so that editing can use the very noise that
 * the instruction was learned under ("fixed noise") without it being stored.
 *
 * @param count elements of the latents; a smaller image gets the beginning of the same sequence
 */
export function trainingNoise(seed: number, timestep: number, count: number): Float32Array {
  return new SeededRandom(seed, "noise", Math.round(timestep)).normals(count);
}
