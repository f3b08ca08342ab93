import { edit } from "../editing/edit.ts";
import { decodeImage } from "../images/decode-image.ts";
import { fitToModel } from "../images/fit-to-model.ts";
import { withTransparency } from "../images/with-transparency.ts";
import { encodeImage } from "../images/write-image.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { decodeInstruction } from "./instruction-bytes.ts";
import type { EditTask, TaskDone } from "./protocol.ts";
import { breathe, type TellEvent } from "./run-task.ts";

/** Edits picture files one after the other; each result is told as soon as it is there. */
export async function editTask(
  pipeline: Pipeline,
  task: EditTask,
  signal: AbortSignal,
  tell: TellEvent,
): Promise<TaskDone> {
  const prompt = {
    ...(task.instruction ? { instruction: await decodeInstruction(task.instruction) } : {}),
    ...(task.text === undefined ? {} : { text: task.text }),
  };
  const size = { resolution: pipeline.defaults.resolution, multiple: pipeline.sizeMultiple };
  const noise = task.noise ?? (task.count > 1 ? "fresh" : undefined);
  const total = task.images.length * task.count;
  let steps = 0;
  for (const [done, { index, bytes }] of task.images.entries()) {
    const original = await decodeImage(bytes, `Image ${index + 1}`);
    const fitted = fitToModel(original.image, size, `Image ${index + 1}`);
    for (let variation = 0; variation < task.count; variation++) {
      await breathe();
      signal.throwIfAborted();
      const before = done * task.count + variation;
      const [edited] = await edit(
        pipeline,
        [fitted.image],
        prompt,
        {
          ...{ seed: task.seed, variation },
          ...(task.steps === undefined ? {} : { steps: task.steps }),
          ...(task.textGuidance === undefined ? {} : { textGuidance: task.textGuidance }),
          ...(task.imageGuidance === undefined ? {} : { imageGuidance: task.imageGuidance }),
          ...(noise === undefined ? {} : { noise }),
        },
        {
          signal,
          onEvent: (event) => {
            steps++;
            void tell({
              type: "progress",
              stage: "edit",
              step: before * event.steps + event.step,
              steps: total * event.steps,
            });
          },
        },
      );
      const { image, alpha } = withTransparency(original, fitted.restore(edited!));
      await tell({
        ...{ type: "result", index, variation, width: image.width, height: image.height },
        bytes: await encodeImage(image, task.format, alpha ? { alpha } : {}),
      });
    }
  }
  return { steps };
}
