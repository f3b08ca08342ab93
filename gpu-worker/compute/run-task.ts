import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { editTask } from "./edit-task.ts";
import { importTask } from "./import-task.ts";
import { learnTask } from "./learn-task.ts";
import type { Task, TaskDone, TaskEvent } from "./protocol.ts";

export type TellEvent = (event: TaskEvent) => Promise<void>;

/** What the parent has called off so far. */
export interface CallOff {
  /** The whole task. */
  readonly signal: AbortSignal;
  /** Parts of an edit task that nobody waits for any more. */
  readonly parts: ReadonlySet<number>;
}

/** Runs one task in this process. What is called off ends between steps; then it throws. */
export function runTask(
  pipeline: Pipeline,
  task: Task,
  callOff: CallOff,
  tell: TellEvent,
): Promise<TaskDone> {
  switch (task.kind) {
    case "learn":
      return learnTask(pipeline, task, callOff.signal, tell);
    case "edit":
      return editTask(pipeline, task, callOff, tell);
    case "import":
      return importTask(pipeline, task);
  }
}

/** Lets messages from the parent in: the engine's steps are promises that never leave the microtask queue. */
export const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));
