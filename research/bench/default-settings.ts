import { lossesOf } from "../../engine/instruction/instruction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { invert } from "../../engine/inversion/invert.ts";
import type { LoopSettings } from "../../engine/inversion/settings.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

interface Variant {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly samples: LoopSettings["samples"];
}

/** All with 1200 evaluations, forward and backward. */
const variants: readonly Variant[] = [
  { steps: 100, batchSize: 6, learningRate: 0.12, samples: 64 },
  ...[0.12, 0.06, 0.2, 0.4].map((learningRate) => every(100, 6, learningRate)),
  every(200, 3, 0.12),
  ...[0.12, 0.2, 0.4].map((learningRate) => every(300, 2, learningRate)),
  every(600, 1, 0.12),
];

function every(steps: number, batchSize: number, learningRate: number): Variant {
  return { steps, batchSize, learningRate, samples: "every timestep" };
}

/** Final validation loss of several settings with equal evaluations: the basis of the defaults. */
export async function benchDefaults(
  pipeline: Pipeline,
  pair: ImagePair,
  onResult: (variant: Variant, validation: number) => void,
): Promise<void> {
  for (const variant of variants) {
    const { samples, ...options } = variant;
    const { info } = await invert(pipeline, [pair], { seed: 1, ...options, overrides: { samples } });
    onResult(variant, lossesOf(info).validation);
  }
}
