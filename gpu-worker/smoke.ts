/**
 * Entry point of a deployment's smoke run: the device computes soundly, and the bundled model learns from a pair and applies what it
 * learned. Nothing is asked of AWS. Exit code 0 only where all of it went well.
 */
import { fileURLToPath } from "node:url";
import { requireSoundDevice } from "../engine/capacity/self-test.ts";
import { edit } from "../engine/editing/edit.ts";
import { psnr } from "../engine/image-quality/psnr.ts";
import { decodeImage } from "../engine/images/decode-image.ts";
import { invert } from "../engine/inversion/invert.ts";
import { fitPairs } from "../engine/pairs/fit-pairs.ts";
import { openPipeline } from "../engine/pipeline/pipeline.ts";
import { environmentFor } from "../engine/runtime/device.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { systemClock } from "../shared/system-clock.ts";
import { deviceConfigSchema } from "./config.ts";

/** A fifth of a learning: enough to see that it learns. */
const steps = 60;
/** Decibels by which the edit must come closer to the truth than the photo was; the demo's comes 15 closer. */
const least = 3;

const log = createJsonLog((line) => process.stdout.write(`${line}\n`), systemClock.now);
/** Beside the bundle in the image, else where the repository has it. */
const [folder = fileURLToPath(new URL("..", import.meta.url))] = process.argv.slice(2);

try {
  const { VISII_DEVICE: device, VISII_PRECISION: precision } = deviceConfigSchema.parse(process.env);
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  await requireSoundDevice(device);
  log.info("the device computes soundly", { device });
  const pipeline = await openPipeline(`${folder}/models/mini`, { device, precision });
  const { resolution } = pipeline.defaults;
  const [before, after] = await Promise.all(
    ["before.jpg", "after.png"].map(async (name) => (await decodeImage(`${folder}/demo/${name}`)).image),
  );
  if (!before || !after) throw new Error("internal: a pair is two images");
  const [pair] = fitPairs([{ before, after }], { resolution, multiple: pipeline.sizeMultiple }).pairs;
  if (!pair) throw new Error("internal: the pair was lost");
  const instruction = await invert(pipeline, [pair], { seed: 0, steps });
  const [edited] = await edit(pipeline, [pair.before], { instruction }, { seed: 0 });
  const [photo, result] = [psnr(pair.before, pair.after), psnr(edited ?? pair.before, pair.after)];
  const facts = { photo_db: photo, edit_db: result, least_gain_db: least };
  if (!(result >= photo + least)) {
    log.error("the edit that was learned is not the edit that was shown", facts);
    process.exitCode = 1;
  } else log.info("an instruction was learned and applied", facts);
  await pipeline.dispose();
} catch (error) {
  log.error("the smoke run failed", { error });
  process.exitCode = 1;
}
