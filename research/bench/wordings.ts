import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { editFitted } from "../../engine/editing/edit.ts";
import { mean } from "../../engine/evaluation/bootstrap.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { fitToModel } from "../../engine/images/fit-to-model.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

/** Texts that a user might write for the demo's edit, painting style 12. */
const wordings = [
  "turn it into a painting",
  "paint this photo",
  "make it look like an oil painting by an artist",
  "a painting in lavender and peach with short strokes",
  "a painting in violet and gold with short strokes",
  "a painting in purple and orange with broad strokes",
  "a painting in navy and gold with long strokes",
  "a bright lavender and peach painting",
  "turn it into a bright painting in lavender and gold",
  "turn it into a vivid painting in purple and gold",
  "paint it in lavender and orange",
  "make it a vivid purple painting",
] as const;

/**
 * Mean PSNR to the true edits over the demo's photos for each text, as `npm run demo` edits and measures;
 * highest first.
 */
export async function benchWordings(
  pipeline: Pipeline,
  root: string,
): Promise<readonly { readonly text: string; readonly psnr: number }[]> {
  const folder = join(root, "demo");
  const { tests } = JSON.parse(await readFile(join(folder, "demo.json"), "utf8")) as {
    tests: readonly { image: string; truth: string }[];
  };
  const size = pipeline.imageSize;
  const scores = new Map<string, number[]>(wordings.map((text) => [text, []]));
  for (const { image, truth } of tests) {
    const fitted = fitToModel((await decodeImage(join(folder, image))).image, size, image);
    const wanted = (await decodeImage(join(folder, truth))).image;
    for (const text of wordings) {
      const [edited] = await editFitted(pipeline, [fitted.image], { text }, { seed: 0 });
      scores.get(text)!.push(psnr(fitted.restore(edited!), wanted));
    }
  }
  return [...scores].map(([text, values]) => ({ text, psnr: mean(values) })).sort((a, b) => b.psnr - a.psnr);
}
