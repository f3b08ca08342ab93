import { z } from "zod";
import { SupervisedProcess } from "./supervised-process.ts";

const messageSchema = z.object({ pids: z.array(z.number().optional()) });

/** A worker: the queue's side in this process, the computing ones below it. */
export class WorkerProcess extends SupervisedProcess {
  /** Process ids of the computing processes, one for each lane, as the worker told them. */
  computePids: readonly (number | undefined)[] = [];

  constructor(environment: Readonly<Record<string, string>>) {
    // It saves what it works on first.
    super({ entry: new URL("../gpu-worker/main.ts", import.meta.url), environment, patience: 25_000 });
  }

  protected override get name(): string {
    return "worker";
  }

  protected override hear(message: unknown): void {
    this.computePids = messageSchema.parse(message).pids;
  }
}
