import { createRgbImage } from "../../engine/images/rgb-image.ts";
import { encodeImage } from "../../engine/images/write-image.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { editTask } from "./edit-task.ts";
import { learnTask } from "./learn-task.ts";
import type { EditPrompt } from "./protocol.ts";
import { fromFailure } from "./task-failure.ts";

/** Sides of the photo, with a common aspect ratio. */
const [width, height] = [384, 256];

/**
 * Compiles the sessions of a first job for a photo of 3:2, by running the pair encoder, if the model has one,
 * and one sampling step of an edit.
 *
 * @param signal stops it between two steps
 * @throws the error that a job would end with
 */
export async function warmUp(pipeline: Pipeline, signal: AbortSignal): Promise<void> {
  const file = await encodeImage(createRgbImage(width, height, ramp()), "png");
  const prompt = await draft(pipeline, file, signal);
  // Twice, because V8 optimizes what runs again.
  const photo = { images: [{ index: 0, file }], count: 2, format: "jpeg", seed: 0 } as const;
  await editTask(
    pipeline,
    { kind: "edit", prompt: { ...prompt, steps: 1 }, parts: [photo], batch: 1 },
    { signal, parts: new Set() },
    async (event) => {
      if (event.type === "part failed") throw fromFailure(event.failure);
    },
  );
}

async function draft(pipeline: Pipeline, file: Uint8Array, signal: AbortSignal): Promise<EditPrompt> {
  const { start, init } = pipeline.defaults;
  if (start !== "pair") return { text: init };
  const pairs = [{ before: file, after: file }];
  const task = { kind: "learn", pairs, seed: 0, steps: 0, saveEvery: 60, previews: 0 } as const;
  const { instruction } = await learnTask(pipeline, task, signal, async () => undefined);
  return instruction ? { instruction: instruction.file } : {};
}

/** Every pixel differs from its neighbors, as in a photo. */
function ramp(): Float32Array {
  return Float32Array.from({ length: 3 * width * height }, (_, at) => ((at % width) / width) * 2 - 1);
}
