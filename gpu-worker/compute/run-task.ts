import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { editTask } from "./edit-task.ts";
import { importTask } from "./import-task.ts";
import { learnTask } from "./learn-task.ts";
import type { Task, TaskDone } from "./protocol.ts";
import type { Canceled, Emit } from "./task-hooks.ts";

/** Runs one task in this process. A canceled task stops between two steps and throws. */
export function runTask(pipeline: Pipeline, task: Task, canceled: Canceled, emit: Emit): Promise<TaskDone> {
  switch (task.kind) {
    case "learn":
      return learnTask(pipeline, task, canceled.signal, emit);
    case "edit":
      return editTask(pipeline, task, canceled, emit);
    case "import":
      return importTask(pipeline, task);
  }
}
