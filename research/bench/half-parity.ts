import { planLoss } from "../../engine/inversion/loss-plan.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { drawInputs, lossAt, lossFeeds, timestep } from "./full-size-inputs.ts";
import type { FullSizeOptions } from "./full-size-options.ts";

/** Maximum deviation of half precision from float32, relative to the largest element. */
export const halfTolerance = 2e-2;
/** Finite at every tested size; a training run adapts its own scale. */
const lossScale = 2 ** 10;

/**
 * Compares the UNet's prediction, the loss and its gradient in half precision with float32, one after the
 * other, so that the two do not need memory at the same time. A CPU converts at every node, so this measures
 * rounding, not speed.
 *
 * @returns the largest deviation of each by name
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
    // The other branches add the same number on both sides; a target of this size keeps it of order 1.
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
