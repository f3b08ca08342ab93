import type { Job, JobFacts } from "../../shared/jobs/job.ts";
import { appendEvent, eventId } from "../../shared/jobs/job-events.ts";
import type { JobEvent } from "../../shared/resources/event.ts";
import { JobCanceled, LeaseLost, type RunJobPorts } from "./job-ports.ts";

/** What the work tells about itself; each part replaces what was told before. */
export interface WorkFacts extends JobFacts {
  /** Told to live listeners besides. */
  readonly event?: JobEvent;
}

/** Milliseconds between two writes of progress, and between two looks whether the job was canceled. */
const interval = 1000;

/**
 * Keeps a job's row alive and true while it is worked on: writes progress, prolongs the lease, passes events on, and aborts
 * `signal` when the job was canceled, its deadline came, or another worker has it.
 */
export class JobReporter {
  readonly #ports: RunJobPorts;
  readonly #job: Job;
  readonly #owner: string;
  readonly #stop = new AbortController();
  readonly #closed = new AbortController();
  readonly #loop: Promise<void>;
  #facts: WorkFacts = {};
  #dirty = false;
  #told: Job["progress"];
  #events: JobEvent[];
  #index = 0;
  #renewed: number;

  constructor(ports: RunJobPorts, job: Job, owner: string) {
    this.#ports = ports;
    this.#job = job;
    this.#owner = owner;
    this.#renewed = ports.clock.now();
    this.#events = [{ type: "status", status: "running" }];
    this.#loop = this.#run();
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  report({ event, ...facts }: WorkFacts): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#dirty = true;
    if (event) this.#events.push(event);
  }

  /** Writes what is left to write. After it nothing more is written. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
    try {
      // The last step and the last result were told since the loop looked.
      if (this.#dirty) await this.#writeFacts();
      await this.#tellEvents();
    } catch (error) {
      this.#note(error);
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#closed.signal.aborted) {
      try {
        await this.#writeFacts();
        await this.#tellEvents();
      } catch (error) {
        // The lease outlives some failures; when it does not, the next write that succeeds finds it lost.
        this.#note(error);
      }
      await clock.sleep(interval, this.#closed.signal);
    }
  }

  async #tellEvents(): Promise<void> {
    const { table, clock } = this.#ports;
    for (let event = this.#events[0]; event; event = this.#events[0]) {
      await appendEvent(table, clock, this.#job.id, eventId(this.#job.attempt, this.#index), event);
      this.#index++;
      this.#events.shift();
    }
  }

  async #writeFacts(): Promise<void> {
    const { jobs, clock } = this.#ports;
    const beat = clock.now() - this.#renewed >= jobs.timing.heartbeat * 1000;
    let row: Job | undefined;
    if (this.#dirty || beat) {
      // Listeners hear of progress as often as the row does, not of every step.
      if (this.#dirty && this.#facts.progress && this.#facts.progress !== this.#told) {
        this.#told = this.#facts.progress;
        this.#events.push({ type: "progress", progress: this.#told });
      }
      this.#dirty = false;
      row = await jobs.renew(this.#job, this.#owner, this.#facts);
      this.#renewed = clock.now();
    } else {
      row = await jobs.get(this.#job.account, this.#job.id);
      if (row?.lease?.owner !== this.#owner) row = undefined;
    }
    if (!row) this.#stop.abort(new LeaseLost("another worker has the job"));
    else if (
      row.cancel_requested ||
      (row.cancel_at !== undefined && Date.parse(row.cancel_at) <= clock.now())
    )
      this.#stop.abort(new JobCanceled("canceled"));
  }

  #note(error: unknown): void {
    this.#ports.log.error("a job's row could not be written", { job: this.#job.id, error });
  }
}
