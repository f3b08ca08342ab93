/** Entry point of the process that computes. Its one argument is the options as JSON; it lives as long as its parent. */
import { z } from "zod";
import { VisibleError } from "../../shared/errors.ts";
import { openPipeline } from "../pipeline/pipeline.ts";
import type { ChildMessage, ParentMessage, TaskFailure } from "./protocol.ts";
import { runTask } from "./run-task.ts";

const optionsSchema = z.object({
  model: z.string(),
  device: z.enum(["cpu", "webgpu", "cuda"]),
  threads: z.number().int().positive().optional(),
});

const tell = (message: ChildMessage) =>
  new Promise<void>((resolve) => void process.send?.(message, undefined, undefined, () => resolve()));

function failureOf(error: unknown, signal: AbortSignal): TaskFailure {
  if (signal.aborted) return { kind: "canceled", code: "canceled", message: "canceled" };
  if (error instanceof VisibleError) return { kind: "visible", code: error.code, message: error.message };
  return {
    kind: "broken",
    code: "internal",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

// Ctrl-C reaches the whole process group; the parent decides what becomes of us.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", () => process.exit(0));

try {
  const { model, device, threads } = optionsSchema.parse(JSON.parse(process.argv[2] ?? "{}"));
  const pipeline = await openPipeline(model, { device, ...(threads === undefined ? {} : { threads }) });
  let running: AbortController | undefined;
  process.on("message", (message: ParentMessage) => {
    if (message.type === "cancel") return running?.abort();
    const control = new AbortController();
    running = control;
    runTask(pipeline, message.task, control.signal, (event) => tell({ type: "event", event }))
      .then(
        (done) => tell({ type: "done", done }),
        (error: unknown) => tell({ type: "failed", failure: failureOf(error, control.signal) }),
      )
      .finally(() => {
        if (running === control) running = undefined;
      });
  });
  await tell({ type: "ready", model: pipeline.modelId });
} catch (error) {
  await tell({ type: "failed", failure: failureOf(error, new AbortController().signal) });
  process.exit(1);
}
