/**
 * Entry point of a deployment's smoke run. It runs the device self-test, then learns an instruction with the
 * bundled model and applies it. If a published model was downloaded before (`VISII_MODEL`), it does the same
 * for one step with that model, which also fills the cache (`VISII_CACHE`) for later workers. Exit code 0
 * only if everything succeeds.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { requireSoundDevice } from "../engine/capacity/self-test.ts";
import { editFitted } from "../engine/editing/edit.ts";
import { psnr } from "../engine/image-quality/psnr.ts";
import { decodeImage } from "../engine/images/decode-image.ts";
import { invert } from "../engine/inversion/invert.ts";
import { fitPairs } from "../engine/pairs/fit-pairs.ts";
import { openPipeline, type Pipeline } from "../engine/pipeline/pipeline.ts";
import { environmentFor } from "../engine/runtime/device.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { systemClock } from "../shared/system-clock.ts";
import { deviceConfigSchema } from "./config.ts";

/** A third of the default, enough to verify that learning works. */
const steps = 10;
/** Minimum PSNR gain in dB of the edited photo over the unedited one; the demo reaches 9. */
const minGain = 3;

const configSchema = deviceConfigSchema.extend({
  VISII_MODEL: z.string().optional(),
  VISII_CACHE: z.string().optional(),
});

const log = createJsonLog((line) => process.stdout.write(`${line}\n`), systemClock.now);
/** Folder with the model and the pair: next to the bundle in the image, the repository in development. */
const [folder = fileURLToPath(new URL("..", import.meta.url))] = process.argv.slice(2);

try {
  const config = configSchema.parse(process.env);
  const { VISII_DEVICE: device, VISII_PRECISION: precision, VISII_MODEL: model, VISII_CACHE: cache } = config;
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  await requireSoundDevice(device);
  log.info("the device passed its self-test", { device });
  const bundled = await openPipeline(`${folder}/models/mini`, { device, precision });
  const { pair, edited } = await learnAndApply(bundled, steps);
  await bundled.dispose();
  const [photo, result] = [psnr(pair.before, pair.after), psnr(edited, pair.after)];
  const facts = { photo_db: photo, edit_db: result, least_gain_db: minGain };
  if (!(result >= photo + minGain)) {
    log.error("the learned edit does not match the example", facts);
    process.exitCode = 1;
  } else {
    log.info("an instruction was learned and applied", facts);
    if (model !== undefined && existsSync(join(model, "model_index.json"))) {
      const published = await openPipeline(model, {
        device,
        precision,
        ...(cache === undefined
          ? {}
          : { cache: { folder: cache, note: (line) => log.info(line, { model }) } }),
      });
      await learnAndApply(published, 1);
      await published.dispose();
      log.info("the published model learned and applied one step", { model });
    } else if (model !== undefined) log.info("no model is published; workers will download it", { model });
  }
} catch (error) {
  log.error("the smoke run failed", { error });
  process.exitCode = 1;
}

async function learnAndApply(pipeline: Pipeline, count: number) {
  const { resolution } = pipeline.defaults;
  const [before, after] = await Promise.all(
    ["before.jpg", "after.png"].map(async (name) => (await decodeImage(`${folder}/demo/${name}`)).image),
  );
  if (!before || !after) throw new Error("internal: a pair is two images");
  const [pair] = fitPairs([{ before, after }], { resolution, multiple: pipeline.sizeMultiple }).pairs;
  if (!pair) throw new Error("internal: the pair was lost");
  const instruction = await invert(pipeline, [pair], { seed: 0, steps: count });
  const [edited] = await editFitted(pipeline, [pair.before], { instruction }, { seed: 0 });
  if (!edited) throw new Error("internal: an edit has a result");
  return { pair, edited };
}
