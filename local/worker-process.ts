import { z } from "zod";
import { SupervisedProcess } from "./supervised-process.ts";

const messageSchema = z.object({ pids: z.array(z.number().optional()) });

/** A worker process, with its compute processes as children. */
export class WorkerProcess extends SupervisedProcess {
  /** Process IDs of the compute processes, one per lane, as reported by the worker. */
  computePids: readonly (number | undefined)[] = [];

  constructor(environment: Readonly<Record<string, string>>) {
    // It saves its state before it ends.
    super({ entry: new URL("../gpu-worker/main.ts", import.meta.url), environment, stopGraceMs: 25_000 });
  }

  protected override get name(): string {
    return "worker";
  }

  protected override hear(message: unknown): void {
    this.computePids = messageSchema.parse(message).pids;
  }
}
