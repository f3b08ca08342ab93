import { randomUUID } from "node:crypto";
import type { Visii } from "visii-client";
import { RetryableError } from "visii-engine/errors";
import { writeAtomically } from "visii-engine/files";
import { decodeImage } from "visii-engine/images";
import { defined } from "../../shared/defined.ts";
import type { PairNames } from "../collect-pairs.ts";
import type { Context } from "../context.ts";
import type { InstructionSpace } from "../engine.ts";
import type { LearningOptions } from "../learning-options.ts";
import { stageNames } from "../stage-names.ts";
import { followJob } from "./follow-job.ts";
import { download, imageUploadType, uploadFile } from "./transfer-files.ts";

interface RemoteLearning
  extends Pick<LearningOptions, "learningRate" | "textGuidance" | "imageGuidance" | "clipWeight"> {
  readonly out: string;
  readonly init?: string;
  readonly space: InstructionSpace;
  readonly steps?: number;
  readonly seed: number;
}

/** Uploads the pairs, learns on the service, and writes the instruction to `out`. */
export async function learnRemotely(
  context: Context,
  api: Visii,
  names: readonly PairNames[],
  { out, init, space, steps, seed, ...options }: RemoteLearning,
): Promise<void> {
  const { progress } = context;
  const send = async (path: string) =>
    uploadFile(api, path, imageUploadType[(await decodeImage(path)).format]);
  const pairs: { before: string; after: string }[] = [];
  for (const [index, { before, after }] of names.entries()) {
    progress.update({ stage: "uploading", step: index, steps: names.length, unit: "pairs" });
    pairs.push({ before: await send(before), after: await send(after) });
  }
  progress.update({ stage: "uploading", step: names.length, steps: names.length, unit: "pairs" });
  const { id } = await api.instructions.create(
    {
      pairs,
      seed,
      space,
      // The server uses the pair encoder by default if its model has one.
      ...(init === undefined || init === "pair" ? {} : { init }),
      ...defined({
        steps,
        learning_rate: options.learningRate,
        text_guidance: options.textGuidance,
        image_guidance: options.imageGuidance,
        clip_weight: options.clipWeight,
      }),
    },
    { idempotencyKey: randomUUID() },
  );
  try {
    const learned = await followJob(
      context,
      api.instructions,
      id,
      ({ stage, step, steps, loss, eta_seconds }) =>
        progress.update({
          step,
          steps,
          stage: stageNames[stage] ?? stage,
          ...defined({ loss, etaSeconds: eta_seconds }),
        }),
    );
    if (learned.file_url === undefined)
      throw new RetryableError(`${id} succeeded but has no file yet; try again later.`);
    await writeAtomically(out, await download(learned.file_url, "The learned instruction"));
  } finally {
    progress.clear();
  }
}
