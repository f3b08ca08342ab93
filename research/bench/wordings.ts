import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { edit } from "../../engine/editing/edit.ts";
import { mean } from "../../engine/evaluation/bootstrap.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { fitToModel } from "../../engine/images/fit-to-model.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

/** Texts that a user might write for the demo's edit, a plum film look. */
const wordings = [
  "rotate the hue by 330 degrees and give it a 40 percent matte look",
  "rotate the hue by 330 degrees and give the photo a matte look",
  "rotate the hue by 345 degrees and give it a matte look by 40 percent",
  "rotate the hue by 315 degrees and give it a matte look by 40 percent",
  "tint it purple by 40 percent and give it a matte look",
  "add a slightly purple tint and fade the blacks",
  "overlay purple by 30 percent",
  "make the shadows purple and the highlights pink, then give it a matte look",
  "make the photo vintage and tint it violet by 30 percent",
  "cross process the photo and give it a matte look by 40 percent",
  "make the photo look like an old faded photo and tint it lavender slightly",
  "give the photo a slightly matte look",
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
      const [edited] = await edit(pipeline, [fitted.image], { text }, { seed: 0 });
      scores.get(text)!.push(psnr(fitted.restore(edited!), wanted));
    }
  }
  return [...scores].map(([text, values]) => ({ text, psnr: mean(values) })).sort((a, b) => b.psnr - a.psnr);
}
