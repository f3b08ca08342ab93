import type { Compute, ComputeProcess } from "./compute-process.ts";
import type { EditPart, EditPrompt, EditTask, Task, TaskDone, TaskEvent } from "./protocol.ts";
import { fromFailure } from "./task-failure.ts";

type OnEvent = (event: TaskEvent) => Promise<void>;

/** An edit that waits for the other jobs received with it. */
interface Waiting {
  readonly task: EditTask;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
  resolve(done: TaskDone): void;
  reject(reason: unknown): void;
}

/** A job handler's access to the process. */
interface BatchSlot extends Compute {
  /** Must be called when the handler is done, even if it ran no task. */
  leave(): void;
}

/**
 * Shares one compute process between the jobs of a lane. Each job has a slot. Edits start when every slot has
 * submitted a task or been closed. Edits with the same prompt run as one task. Each job succeeds or fails
 * separately.
 */
export class SharedCompute {
  readonly #process: ComputeProcess;
  readonly #waiting: Waiting[] = [];
  /** Slots that may still submit a task. */
  #undecided = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(process: ComputeProcess) {
    this.#process = process;
  }

  openSlot(): BatchSlot {
    let undecided = true;
    this.#undecided++;
    const decide = () => {
      if (undecided) this.#undecided--;
      undecided = false;
    };
    return {
      run: (task, signal, onEvent) => {
        const running = this.#run(task, signal, onEvent);
        decide();
        this.#startWhenAllAreHere();
        return running;
      },
      leave: () => {
        decide();
        this.#startWhenAllAreHere();
      },
    };
  }

  #run(task: Task, signal: AbortSignal, onEvent: OnEvent): Promise<TaskDone> {
    if (task.kind !== "edit") return this.#inTurn(() => this.#process.run(task, signal, onEvent));
    return new Promise((resolve, reject) => this.#waiting.push({ task, signal, onEvent, resolve, reject }));
  }

  #startWhenAllAreHere(): void {
    if (this.#undecided > 0) return;
    const waiting = this.#waiting.splice(0);
    while (waiting.length) {
      const [first] = waiting;
      const group = waiting.filter(({ task }) => isSamePrompt(task.prompt, first!.task.prompt));
      for (const one of group) waiting.splice(waiting.indexOf(one), 1);
      void this.#inTurn(() => runTogether(this.#process, group)).catch((error: unknown) => {
        for (const { reject } of group) reject(error);
      });
    }
  }

  /** Runs tasks one at a time. */
  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

async function runTogether(process: ComputeProcess, waiting: readonly Waiting[]): Promise<void> {
  const group = waiting.filter(({ signal }) => !signal.aborted);
  for (const { signal, reject } of waiting) if (signal.aborted) reject(signal.reason);
  const [first] = group;
  if (!first) return;
  const all = new AbortController();
  const members = group.map((waiting, number) => new BatchMember(waiting, () => cancel(number)));
  const cancel = (number: number) => {
    if (members.every(({ isOver }) => isOver)) all.abort(new Error("every job of the batch was canceled"));
    else process.cancelPart(number);
  };
  const parts: EditPart[] = group.flatMap(({ task }) => task.parts);
  const task: EditTask = { ...first.task, parts };
  for (const member of members) member.open();
  try {
    await process.run(task, all.signal, async (event) => {
      if ("part" in event && event.part !== undefined) await members[event.part]?.handle(event);
    });
    for (const member of members) member.fail(new Error("internal: a batch ended without one of its parts"));
  } catch (error) {
    for (const member of members) member.fail(error);
  }
}

/** One job of a batch. */
class BatchMember {
  readonly #waiting: Waiting;
  readonly #onCanceled: () => void;
  isOver = false;

  constructor(waiting: Waiting, onCanceled: () => void) {
    this.#waiting = waiting;
    this.#onCanceled = onCanceled;
  }

  open(): void {
    this.#waiting.signal.addEventListener("abort", this.#cancel, { once: true });
  }

  /** An error of the job's `onEvent` fails only this job. */
  async handle(event: TaskEvent): Promise<void> {
    if (this.isOver) return;
    if (event.type === "part failed") return this.fail(fromFailure(event.failure));
    if (event.type === "part done") {
      if (this.#end()) this.#waiting.resolve(event.done);
      return;
    }
    try {
      await this.#waiting.onEvent(event);
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (this.#end()) this.#waiting.reject(error);
  }

  readonly #cancel = () => {
    this.fail(this.#waiting.signal.reason);
    this.#onCanceled();
  };

  #end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.#waiting.signal.removeEventListener("abort", this.#cancel);
    return true;
  }
}

function isSamePrompt(a: EditPrompt, b: EditPrompt): boolean {
  const { instruction: left, ...restOfA } = a;
  const { instruction: right, ...restOfB } = b;
  const sameBytes = left && right ? Buffer.compare(left, right) === 0 : left === right;
  return sameBytes && JSON.stringify(restOfA) === JSON.stringify(restOfB);
}
