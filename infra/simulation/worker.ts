import type { QueueName } from "../../shared/queue-timing.ts";
import { saveEvery, workOf } from "./assumptions.ts";
import type { EventQueue, ScheduledEvent } from "./event-queue.ts";
import type { Job } from "./job.ts";

interface Lane {
  readonly names: readonly QueueName[];
  job: Job | undefined;
  /** Remaining seconds of work on a worker that does nothing else. */
  remaining: number;
}

interface WorkerPorts {
  readonly events: EventQueue;
  take(names: readonly QueueName[]): Job | undefined;
  finished(job: Job): void;
  /** Called when all lanes are empty. */
  idle(worker: Worker): void;
}

/** A ready worker. Its lanes run in parallel; busy lanes share the processor equally. */
export class Worker {
  readonly #lanes: readonly Lane[];
  readonly #ports: WorkerPorts;
  #since: number;
  #next: ScheduledEvent | undefined;
  /** Seconds with at least one busy lane. */
  busySeconds = 0;

  constructor(lanes: readonly (readonly QueueName[])[], ports: WorkerPorts) {
    this.#lanes = lanes.map((names) => ({ names, job: undefined, remaining: 0 }));
    this.#ports = ports;
    this.#since = ports.events.now;
  }

  get busy(): boolean {
    return this.#busyLanes() > 0;
  }

  /** Returns true if a lane is empty. */
  get hasRoom(): boolean {
    return this.#busyLanes() < this.#lanes.length;
  }

  get jobs(): readonly Job[] {
    return this.#lanes.flatMap(({ job }) => job ?? []);
  }

  /** Takes jobs for empty lanes. */
  takeJobs(): void {
    this.#advance();
    for (const lane of this.#lanes) {
      lane.job ??= this.#begin(lane);
    }
    this.#scheduleNext();
    if (!this.busy) this.#ports.idle(this);
  }

  /**
   * The machine is lost: returns the jobs. With a notice, learning jobs save a checkpoint; else they use the
   * last one.
   */
  stop(notice: boolean): Job[] {
    this.#advance();
    if (this.#next) this.#next.canceled = true;
    return this.#lanes.flatMap((lane) => {
      const { job } = lane;
      if (!job) return [];
      const done = job.work - lane.remaining;
      const keeps = workOf[job.queue] === "learn";
      const kept = keeps ? (notice ? done : Math.max(job.saved, done - (done % saveEvery))) : 0;
      job.lost += done - kept;
      job.saved = kept;
      lane.job = undefined;
      return [job];
    });
  }

  #begin(lane: Lane): Job | undefined {
    const job = this.#ports.take(lane.names);
    if (!job) return undefined;
    job.startedAt ??= this.#ports.events.now;
    job.attempts++;
    lane.remaining = job.work - job.saved;
    return job;
  }

  /** Accounts for the work since the last call. */
  #advance(): void {
    const { now } = this.#ports.events;
    const busy = this.#busyLanes();
    const passed = now - this.#since;
    this.#since = now;
    if (!busy) return;
    this.busySeconds += passed;
    for (const lane of this.#lanes) if (lane.job) lane.remaining -= passed / busy;
  }

  /** Called for every event, so it allocates no list. */
  #busyLanes(): number {
    let busy = 0;
    for (const { job } of this.#lanes) if (job) busy++;
    return busy;
  }

  /** Schedules the end of the next job. */
  #scheduleNext(): void {
    if (this.#next) this.#next.canceled = true;
    let nearest: Lane | undefined;
    for (const lane of this.#lanes)
      if (lane.job && !(nearest && nearest.remaining <= lane.remaining)) nearest = lane;
    if (!nearest) return;
    const done = nearest;
    const { events } = this.#ports;
    this.#next = events.schedule(events.now + done.remaining * this.#busyLanes(), () => {
      this.#advance();
      const { job } = done;
      done.job = undefined;
      if (job) {
        job.finishedAt = events.now;
        this.#ports.finished(job);
      }
      this.takeJobs();
    });
  }
}
