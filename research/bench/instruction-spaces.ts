import { editFitted } from "../../engine/editing/edit.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import type { RgbImage } from "../../engine/images/rgb-image.ts";
import type { InstructionSpace } from "../../engine/instruction/instruction.ts";
import { lossesOf } from "../../engine/instruction/instruction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { invert } from "../../engine/inversion/invert.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { drawEdit, drawnEdits } from "./drawn-edits.ts";

/** A pair, and photos with their true edits. */
export interface SpaceCase {
  readonly name: string;
  readonly pair: ImagePair;
  readonly photos: readonly { readonly photo: RgbImage; readonly truth: RgbImage }[];
}

interface SpaceVariant {
  readonly space: InstructionSpace;
  readonly learningRate: number;
}

interface SpaceResult extends SpaceVariant {
  readonly name: string;
  readonly seed: number;
  readonly validation: number;
  /** Mean PSNR over the photos to the true edits, in dB. */
  readonly psnr: number;
}

export const spaceVariants: readonly SpaceVariant[] = [
  ...[0.12, 0.25].map((learningRate) => ({ space: "text", learningRate }) as const),
  ...[0.06, 0.12, 0.25, 0.5].map((learningRate) => ({ space: "kv", learningRate }) as const),
];

/** The demo's case, and its photos with edits by formula. */
export function spaceCases(demo: SpaceCase): SpaceCase[] {
  const drawn = Object.entries(drawnEdits).map(([name, map]) => ({
    name,
    pair: { before: demo.pair.before, after: drawEdit(demo.pair.before, map) },
    photos: demo.photos.map(({ photo }) => ({ photo, truth: drawEdit(photo, map) })),
  }));
  return [demo, ...drawn];
}

/** Learns every case with every variant and seed, at equal UNet evaluations. */
export async function benchSpaces(
  pipeline: Pipeline,
  cases: readonly SpaceCase[],
  variants: readonly SpaceVariant[],
  seeds: readonly number[],
  onResult: (result: SpaceResult) => void,
): Promise<SpaceResult[]> {
  const results: SpaceResult[] = [];
  for (const variant of variants)
    for (const { name, pair, photos } of cases)
      for (const seed of seeds) {
        const instruction = await invert(pipeline, [pair], { seed, ...variant });
        let sum = 0;
        for (const { photo, truth } of photos) {
          const [edited] = await editFitted(pipeline, [photo], { instruction }, { seed });
          sum += psnr(edited!, truth);
        }
        const { validation } = lossesOf(instruction.info);
        results.push({ ...variant, name, seed, validation, psnr: sum / photos.length });
        onResult(results.at(-1)!);
      }
  return results;
}
