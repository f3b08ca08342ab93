import { planLoss } from "../../engine/inversion/loss-plan.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { drawInputs, lossAt, lossFeeds, timestep } from "./full-size-inputs.ts";
import type { FullSizeOptions } from "./full-size-options.ts";

/** Asked of half precision against float32, of the largest element. */
export const halfTolerance = 2e-2;
/** Finite at every size that was tried; a run finds its own. */
const lossScale = 2 ** 10;

/**
 * The UNet's prediction, the loss and its gradient in half precision against ours in float32, one after the other so that the two
 * never need memory together. A CPU converts at every node, so this says what the roundings come to, and nothing of speed.
 *
 * @returns the largest deviation of each by its name
 */
export async function benchHalfParity(
  folder: string,
  { device, size }: FullSizeOptions,
  threads: number,
): Promise<Record<string, number>> {
  const made: Record<string, Float32Array>[] = [];
  for (const precision of ["fp32", "fp16"] as const) {
    const pipeline = await openPipeline(folder, { device, precision, threads });
    const side = size / pipeline.model.vae.autoencoder.factor;
    const inputs = await drawInputs(pipeline, side);
    const { latents, image, target, text } = inputs;
    const sample = { latents, image, timesteps: Float32Array.of(timestep), height: side, width: side };
    const prediction = await pipeline.predict({ ...sample, text });
    await pipeline.dispose();
    const plan = planLoss(pipeline.model, lossAt(side), pipeline.memory, device === "cpu" ? "cpu" : "gpu");
    const session = await pipeline.session("loss", () => plan.graph);
    const scale = precision === "fp16" ? { loss_scale: Float32Array.of(lossScale) } : {};
    // What the other branches would bring is the same number on both sides; the target's size keeps it of order 1.
    const { loss, gradient } = await session.run({
      ...lossFeeds(pipeline, inputs),
      frozen: new Float32Array(target.length),
      ...scale,
    });
    made.push({ prediction, loss: loss!, gradient: gradient! });
    await pipeline.dispose();
  }
  const [whole, half] = made as [Record<string, Float32Array>, Record<string, Float32Array>];
  return Object.fromEntries(
    Object.entries(whole).map(([name, expected]) => [name, deviation(half[name]!, expected)]),
  );
}

function deviation(actual: Float32Array, expected: Float32Array): number {
  const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
  return actual.every(Number.isFinite) ? worst / scale : Number.POSITIVE_INFINITY;
}
