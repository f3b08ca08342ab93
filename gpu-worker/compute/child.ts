/** Entry point of the compute process. Its argument is the options as JSON. It exits with its parent. */
import { z } from "zod";
import { requireSoundDevice } from "../../engine/capacity/self-test.ts";
import { precisions } from "../../engine/networks/precision.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { environmentFor, isDevice } from "../../engine/runtime/device.ts";
import { defined } from "../../shared/defined.ts";
import { RetryableError } from "../../shared/errors.ts";
import { createJsonLog } from "../../shared/json-log.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { ChildMessage, ParentMessage, TaskFailure } from "./protocol.ts";
import { runTask } from "./run-task.ts";
import { toFailure, toStartFailure } from "./task-failure.ts";
import { warmUp } from "./warm-up.ts";

const optionsSchema = z.object({
  model: z.string(),
  device: z.string().refine(isDevice),
  precision: z.enum(precisions).default("fp32"),
  memory: z.number().positive().optional(),
  threads: z.number().int().positive().optional(),
  cache: z.object({ folder: z.string(), limit: z.number().positive() }).optional(),
  scratch: z.string(),
});

const log = createJsonLog((line) => process.stderr.write(`${line}\n`), systemClock.now, "info");

const send = (message: ChildMessage) =>
  new Promise<void>((resolve) => void process.send?.(message, undefined, undefined, () => resolve()));

function failureOf(error: unknown, signal: AbortSignal): TaskFailure {
  return signal.aborted ? { kind: "canceled", code: "canceled", message: "canceled" } : toFailure(error);
}

// Ctrl-C signals the whole process group, but the parent ends this process.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", () => process.exit(0));

try {
  const { model, device, precision, memory, threads, cache, scratch } = optionsSchema.parse(
    JSON.parse(process.argv[2] ?? "{}"),
  );
  process.env.TMPDIR = scratch;
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  // Sessions are compiled on first use. Without this check, a worker with a broken device would take jobs and
  // fail each of them.
  await requireSoundDevice(device);
  const note = (line: string) => log.info(line, { model });
  const pipeline = await openPipeline(model, {
    device,
    precision,
    ...defined({ memory, threads }),
    note,
    ...(cache === undefined ? {} : { cache: { ...cache, note } }),
  });
  const warming = new AbortController();
  let warm: Promise<void> = Promise.resolve();
  let running: { readonly control: AbortController; readonly parts: Set<number> } | undefined;
  process.on("message", (message: ParentMessage) => {
    if (message.type === "cancel") {
      if (message.part === undefined) running?.control.abort();
      else running?.parts.add(message.part);
      return;
    }
    if (message.type === "warm up") {
      warm = warmUp(pipeline, warming.signal).then(
        () => send({ type: "warm" }),
        (error: unknown) =>
          send({ type: "warm", ...(warming.signal.aborted ? {} : { failure: toStartFailure(error) }) }),
      );
      return;
    }
    warming.abort();
    const [control, parts] = [new AbortController(), new Set<number>()];
    const mine = { control, parts };
    running = mine;
    const canceled = { signal: control.signal, parts };
    warm
      .then(() => runTask(pipeline, message.task, canceled, (event) => send({ type: "event", event })))
      .then(
        (done) => send({ type: "done", done }),
        async (error: unknown) => {
          await send({ type: "failed", failure: failureOf(error, control.signal) });
          // After a device failure, exit: the next process opens and tests the device again.
          if (device !== "cpu" && error instanceof RetryableError) process.exit(1);
        },
      )
      .finally(() => {
        if (running === mine) running = undefined;
      });
  });
  await send({ type: "ready", model: pipeline.modelId });
} catch (error) {
  await send({ type: "failed", failure: toStartFailure(error) });
  process.exit(1);
}
