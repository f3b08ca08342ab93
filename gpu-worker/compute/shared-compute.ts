import type { Compute, ComputeProcess } from "./compute-process.ts";
import type { EditPart, EditPrompt, EditTask, Task, TaskDone, TaskEvent } from "./protocol.ts";
import { fromFailure } from "./task-failure.ts";

type OnEvent = (event: TaskEvent) => Promise<void>;

/** A job's edit that waits for those that were taken with it. */
interface Waiting {
  readonly task: EditTask;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
  resolve(done: TaskDone): void;
  reject(reason: unknown): void;
}

/** A handler's place at the process. */
export interface Seat extends Compute {
  /** The handler is done, whether or not it computed. */
  leave(): void;
}

/**
 * One computing process for the jobs of a lane. Jobs that were taken together each keep a seat; their edits start when all who
 * may still bring one have done so, those with the same prompt as one task. What becomes of one job is its own affair.
 */
export class SharedCompute {
  readonly #process: ComputeProcess;
  readonly #waiting: Waiting[] = [];
  /** Seats from which a task may still come. */
  #undecided = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(process: ComputeProcess) {
    this.#process = process;
  }

  seat(): Seat {
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

  /** The process takes one task at a time. */
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
  const desks = group.map((waiting, number) => new Desk(waiting, () => callOff(number)));
  const callOff = (number: number) => {
    if (desks.every(({ isOver }) => isOver)) all.abort(new Error("every job of the batch was called off"));
    else process.cancelPart(number);
  };
  const parts: EditPart[] = group.flatMap(({ task }) => task.parts);
  const task: EditTask = { ...first.task, parts };
  for (const desk of desks) desk.open();
  try {
    await process.run(task, all.signal, async (event) => {
      if ("part" in event && event.part !== undefined) await desks[event.part]?.hear(event);
    });
    for (const desk of desks) desk.fail(new Error("internal: the process ended a batch and left a part out"));
  } catch (error) {
    for (const desk of desks) desk.fail(error);
  }
}

/** One job's end of a batch. */
class Desk {
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

  /** What cannot be stored for this job fails this job. */
  async hear(event: TaskEvent): Promise<void> {
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
