import type { JobFacts, Run } from "../../shared/jobs/job.ts";
import { appendEvent, eventId } from "../../shared/jobs/job-events.ts";
import type { JobEvent } from "../../shared/resources/event.ts";
import { JobCanceled, LeaseLost, type RunJobPorts } from "./job-ports.ts";

/** Progress of the work; each field replaces its earlier value. */
export interface WorkFacts extends JobFacts {
  /** Also published to event streams. */
  readonly event?: JobEvent;
}

/** Milliseconds between two writes of progress, each of which also checks for cancellation. */
const interval = 1000;
/** Milliseconds between two writes if there is an event, because a caller waits for results and previews. */
const eventInterval = 100;

/**
 * Updates a job's row while it runs: writes progress, extends the lease, publishes events, and aborts
 * `signal` when the job was canceled, its deadline has passed, or another worker holds it.
 */
export class JobReporter {
  readonly #ports: RunJobPorts;
  readonly #job: Run;
  readonly #owner: string;
  readonly #stop = new AbortController();
  readonly #closed = new AbortController();
  /** Aborts when there is an event to write. */
  #event = new AbortController();
  readonly #loop: Promise<void>;
  #facts: WorkFacts = {};
  #dirty = false;
  #told: Run["progress"];
  #events: JobEvent[];
  #index = 0;
  #renewed: number;

  constructor(ports: RunJobPorts, job: Run, owner: string) {
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
    if (event) {
      this.#events.push(event);
      this.#event.abort();
    }
  }

  /** Flushes pending writes and stops. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#event.abort();
    await this.#loop;
    try {
      // The last step and result may have been reported after the loop's last write.
      if (this.#dirty) await this.#writeFacts();
      await this.#tellEvents();
    } catch (error) {
      this.#note(error);
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#closed.signal.aborted) {
      this.#event = new AbortController();
      try {
        await this.#writeFacts();
        await this.#tellEvents();
      } catch (error) {
        // The lease outlasts a few failed writes. If it is lost, the next successful write detects that.
        this.#note(error);
      }
      await clock.sleep(eventInterval, this.#closed.signal);
      await clock.sleep(interval - eventInterval, this.#event.signal);
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
    const { runs, clock } = this.#ports;
    const beat = clock.now() - this.#renewed >= runs.timing.heartbeat * 1000;
    let row: Run | undefined;
    if (this.#dirty || beat) {
      // Progress events are published at the rate of the row's updates, not for every step.
      if (this.#dirty && this.#facts.progress && this.#facts.progress !== this.#told) {
        this.#told = this.#facts.progress;
        this.#events.push({ type: "progress", progress: this.#told });
      }
      this.#dirty = false;
      row = await runs.renew(this.#job, this.#owner, this.#facts);
      this.#renewed = clock.now();
    } else {
      row = await runs.get(this.#job.account, this.#job.id);
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
