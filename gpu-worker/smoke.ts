/**
 * Entry point of a deployment's smoke run. It runs the device self-test, learns an instruction with the
 * bundled model and applies it, without calling AWS. Exit code 0 only if everything succeeds.
 */
import { fileURLToPath } from "node:url";
import { requireSoundDevice } from "../engine/capacity/self-test.ts";
import { editFitted } from "../engine/editing/edit.ts";
import { psnr } from "../engine/image-quality/psnr.ts";
import { decodeImage } from "../engine/images/decode-image.ts";
import { invert } from "../engine/inversion/invert.ts";
import { fitPairs } from "../engine/pairs/fit-pairs.ts";
import { openPipeline } from "../engine/pipeline/pipeline.ts";
import { environmentFor } from "../engine/runtime/device.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { systemClock } from "../shared/system-clock.ts";
import { deviceConfigSchema } from "./config.ts";

/** A third of the default, enough to verify that learning works. */
const steps = 10;
/** Minimum PSNR gain in dB of the edited photo over the unedited one; the demo reaches 9. */
const least = 3;

const log = createJsonLog((line) => process.stdout.write(`${line}\n`), systemClock.now);
/** Folder with the model and the pair: in the image next to the bundle, in development the repository. */
const [folder = fileURLToPath(new URL("..", import.meta.url))] = process.argv.slice(2);

try {
  const { VISII_DEVICE: device, VISII_PRECISION: precision } = deviceConfigSchema.parse(process.env);
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  await requireSoundDevice(device);
  log.info("the device passed its self-test", { device });
  const pipeline = await openPipeline(`${folder}/models/mini`, { device, precision });
  const { resolution } = pipeline.defaults;
  const [before, after] = await Promise.all(
    ["before.jpg", "after.png"].map(async (name) => (await decodeImage(`${folder}/demo/${name}`)).image),
  );
  if (!before || !after) throw new Error("internal: a pair is two images");
  const [pair] = fitPairs([{ before, after }], { resolution, multiple: pipeline.sizeMultiple }).pairs;
  if (!pair) throw new Error("internal: the pair was lost");
  const instruction = await invert(pipeline, [pair], { seed: 0, steps });
  const [edited] = await editFitted(pipeline, [pair.before], { instruction }, { seed: 0 });
  const [photo, result] = [psnr(pair.before, pair.after), psnr(edited ?? pair.before, pair.after)];
  const facts = { photo_db: photo, edit_db: result, least_gain_db: least };
  if (!(result >= photo + least)) {
    log.error("the learned edit does not match the example", facts);
    process.exitCode = 1;
  } else log.info("an instruction was learned and applied", facts);
  await pipeline.dispose();
} catch (error) {
  log.error("the smoke run failed", { error });
  process.exitCode = 1;
}
