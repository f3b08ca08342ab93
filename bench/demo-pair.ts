import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeImage } from "../gpu-worker/images/decode-image.ts";
import { fitToModel } from "../gpu-worker/images/fit-to-model.ts";
import type { ImagePair } from "../gpu-worker/inversion/invert.ts";
import type { Pipeline } from "../gpu-worker/pipeline/pipeline.ts";

/** The pair that `npm run demo` learns from, at the model's own resolution. */
export async function readDemoPair(root: string, pipeline: Pipeline): Promise<ImagePair> {
  const plan = JSON.parse(await readFile(join(root, "demo", "demo.json"), "utf8")) as {
    pair: { before: string; after: string };
  };
  const read = async (file: string) => {
    const { image } = await decodeImage(join(root, "demo", file));
    const size = { resolution: pipeline.defaults.resolution, multiple: pipeline.sizeMultiple };
    return fitToModel(image, size).image;
  };
  return { before: await read(plan.pair.before), after: await read(plan.pair.after) };
}
