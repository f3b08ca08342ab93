import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { fitToModel } from "../../engine/images/fit-to-model.ts";
import type { RgbImage } from "../../engine/images/rgb-image.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";

interface DemoPlan {
  readonly pair: { readonly before: string; readonly after: string };
  readonly tests: readonly { readonly image: string; readonly truth: string }[];
}

/** A pair, and other photos with their true edits. */
export interface DemoCase {
  readonly pair: ImagePair;
  readonly photos: readonly { readonly photo: RgbImage; readonly truth: RgbImage }[];
}

/** The pair of `npm run demo`, at the model's resolution. */
export async function readDemoPair(root: string, pipeline: Pipeline): Promise<ImagePair> {
  const { pair } = await readPlan(root);
  const read = pictureReader(root, pipeline);
  return { before: await read(pair.before), after: await read(pair.after) };
}

/** The pair with the demo's photos and their true edits. */
export async function readDemoCase(root: string, pipeline: Pipeline): Promise<DemoCase> {
  const { tests } = await readPlan(root);
  const read = pictureReader(root, pipeline);
  const photos = await Promise.all(
    tests.map(async ({ image, truth }) => ({ photo: await read(image), truth: await read(truth) })),
  );
  return { pair: await readDemoPair(root, pipeline), photos };
}

async function readPlan(root: string): Promise<DemoPlan> {
  return JSON.parse(await readFile(join(root, "demo", "demo.json"), "utf8")) as DemoPlan;
}

function pictureReader(root: string, pipeline: Pipeline) {
  const size = pipeline.imageSize;
  return async (file: string) => fitToModel((await decodeImage(join(root, "demo", file))).image, size).image;
}
