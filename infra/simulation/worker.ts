import type { QueueName } from "../../shared/queue-timing.ts";
import { saveEvery, workOf } from "./assumptions.ts";
import type { Appointment, EventQueue } from "./event-queue.ts";
import type { Job } from "./job.ts";

interface Lane {
  readonly names: readonly QueueName[];
  job: Job | undefined;
  /** Seconds of undisturbed work still to do. */
  remaining: number;
}

interface WorkerPorts {
  readonly events: EventQueue;
  take(names: readonly QueueName[]): Job | undefined;
  finished(job: Job): void;
  /** Nothing to do in any lane. */
  idle(worker: Worker): void;
}

/** A worker that is ready: lanes side by side, which share one processor evenly while several are busy. */
export class Worker {
  readonly #lanes: readonly Lane[];
  readonly #ports: WorkerPorts;
  #since: number;
  #next: Appointment | undefined;
  /** Seconds in which any lane was busy. */
  busySeconds = 0;

  constructor(lanes: readonly (readonly QueueName[])[], ports: WorkerPorts) {
    this.#lanes = lanes.map((names) => ({ names, job: undefined, remaining: 0 }));
    this.#ports = ports;
    this.#since = ports.events.now;
  }

  get busy(): boolean {
    return this.#busyLanes() > 0;
  }

  /** A lane has nothing to do. */
  get hasRoom(): boolean {
    return this.#busyLanes() < this.#lanes.length;
  }

  get jobs(): readonly Job[] {
    return this.#lanes.flatMap(({ job }) => job ?? []);
  }

  /** Takes what there is for lanes that have nothing. */
  look(): void {
    this.#advance();
    for (const lane of this.#lanes) {
      lane.job ??= this.#begin(lane);
    }
    this.#appoint();
    if (!this.busy) this.#ports.idle(this);
  }

  /** The machine goes: jobs are handed back. With a notice learnings save their state; without, the last saved one counts. */
  stop(notice: boolean): Job[] {
    this.#advance();
    if (this.#next) this.#next.cancelled = true;
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

  /** Work done since the last look. */
  #advance(): void {
    const { now } = this.#ports.events;
    const busy = this.#busyLanes();
    const passed = now - this.#since;
    this.#since = now;
    if (!busy) return;
    this.busySeconds += passed;
    for (const lane of this.#lanes) if (lane.job) lane.remaining -= passed / busy;
  }

  /** Counted without a list: it is asked for at every event of a day. */
  #busyLanes(): number {
    let busy = 0;
    for (const { job } of this.#lanes) if (job) busy++;
    return busy;
  }

  /** Comes back when the next job is done. */
  #appoint(): void {
    if (this.#next) this.#next.cancelled = true;
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
      this.look();
    });
  }
}
