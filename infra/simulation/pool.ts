import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import {
  type PoolName,
  type PoolPolicy,
  type PoolSize,
  type Purchase,
  pools,
  purchases,
  queuesOf,
  schedulePeriod,
} from "../../scaler/policy.ts";
import { decide, type Messages, type PoolState } from "../../scaler/rules.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import { type QueueName, queueTiming } from "../../shared/queue-timing.ts";
import { capacityRetry, startSpread } from "./assumptions.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Job } from "./job.ts";
import { JobQueues } from "./job-queues.ts";
import { type Machine, type MachineRules, Machines } from "./machines.ts";
import { Worker } from "./worker.ts";

export interface PoolRules extends MachineRules {
  readonly size: PoolSize;
  readonly policy: PoolPolicy;
  /** Seconds from a new task to the launch of a machine for it. */
  readonly requested: number;
  /** Seconds from the launch until a task can start. */
  readonly machineStarts: number;
  /** Seconds until a started task takes jobs. */
  readonly taskStarts: number;
  /** Seconds until the scaler is notified that there is no Spot capacity. */
  readonly refusalArrives: number;
}

/** State at one minute, for the chart. */
export interface PoolMoment {
  readonly at: number;
  readonly waiting: number;
  readonly desired: number;
  readonly ready: number;
  readonly machines: number;
}

interface Task {
  readonly purchase: Purchase;
  machine: Machine | undefined;
  worker: Worker | undefined;
  /** Ends as soon as it has no job. */
  stopping: boolean;
}

/** A pool of workers with its queues and machines, scaled by the rules of the deployed scaler. */
export class Pool {
  readonly machines: Machines;
  readonly history: PoolMoment[] = [];
  readonly done: Job[] = [];
  readonly #queues = new JobQueues();
  readonly #tasks = new Set<Task>();
  /** Busy seconds of ended tasks. */
  #pastBusySeconds = 0;
  #state: PoolState | undefined;
  /** Desired counts of the ECS services. */
  #desired: Record<Purchase, number>;
  /** Counts of each scheduled run, oldest first. */
  readonly #counted: (Messages & { readonly at: number })[] = [];
  #waking = false;
  #refusalPending = false;
  readonly #name: PoolName;
  readonly #events: EventQueue;
  readonly #random: SeededRandom;
  readonly #rules: PoolRules;

  constructor(name: PoolName, events: EventQueue, random: SeededRandom, rules: PoolRules) {
    this.#name = name;
    this.#events = events;
    this.#random = random;
    this.#rules = rules;
    this.machines = new Machines(events, random, rules);
    const { minimum, onDemandBase } = rules.size;
    const onDemand = Math.min(minimum, onDemandBase);
    this.#desired = { spot: minimum - onDemand, onDemand };
    this.#resize();
    this.#runSchedule();
  }

  put(job: Job): void {
    this.#queues.put(job);
    this.#offerJobs();
    if (this.#waking || this.#wanted > 0) return;
    this.#waking = true;
    this.#events.schedule(this.#events.now + workerTimes.wake.seconds, () => {
      this.#waking = false;
      this.#scale(false);
    });
  }

  get #wanted(): number {
    return this.#state?.wanted ?? this.#rules.size.minimum;
  }

  /** Seconds in which workers computed. */
  get busySeconds(): number {
    return [...this.#tasks].reduce(
      (sum, { worker }) => sum + (worker?.busySeconds ?? 0),
      this.#pastBusySeconds,
    );
  }

  #offerJobs(): void {
    for (const { worker } of this.#tasks) if (worker?.hasRoom) worker.takeJobs();
  }

  get #lanes(): readonly (readonly QueueName[])[] {
    return pools[this.#name].lanes;
  }

  #runSchedule(): void {
    this.#counted.push({ at: this.#events.now, ...this.#count() });
    this.#record();
    this.#scale(false);
    this.#events.schedule(this.#events.now + schedulePeriod, () => this.#runSchedule());
  }

  /** One run of the deployed scaler. It may fail, and its counts may be old. */
  #scale(spotRefused: boolean): void {
    const { now } = this.#events;
    const { policy, size, conditions } = this.#rules;
    if (conditions.failedRuns > 0 && this.#random.uniform() < conditions.failedRuns) return;
    const counts = conditions.countDelay
      ? this.#counted.findLast(({ at }) => at <= now - conditions.countDelay)
      : this.#count();
    const running = (purchase: Purchase) =>
      [...this.#tasks].filter((task) => task.worker && task.purchase === purchase).length;
    const workers = {
      spot: { desired: this.#desired.spot, running: running("spot") },
      onDemand: { desired: this.#desired.onDemand, running: running("onDemand") },
    };
    const reading = { visible: {}, inFlight: {}, ...counts, workers, spotRefused };
    const decision = decide(this.#name, reading, this.#state, { policy, size }, now);
    this.#state = decision.state;
    this.#desired = { ...decision.workers };
    this.#resize();
  }

  #count(): Messages {
    const visible: Partial<Record<QueueName, number>> = {};
    const inFlight: Partial<Record<QueueName, number>> = {};
    for (const queue of queuesOf(this.#name)) visible[queue] = this.#queues.count(queue);
    for (const { worker } of this.#tasks)
      for (const { queue } of worker?.jobs ?? []) inFlight[queue] = (inFlight[queue] ?? 0) + 1;
    return { visible, inFlight };
  }

  #record(): void {
    const tasks = [...this.#tasks];
    this.history.push({
      at: this.#events.now,
      waiting: queuesOf(this.#name).reduce((sum, queue) => sum + this.#queues.count(queue), 0),
      desired: this.#wanted,
      ready: tasks.filter(({ worker }) => worker).length,
      machines: this.machines.all.filter(({ endedAt }) => endedAt === undefined).length,
    });
  }

  /** Starts and stops tasks. Unstarted tasks stop first, then idle ones; a busy one finishes its job. */
  #resize(): void {
    for (const purchase of purchases) {
      const staying = [...this.#tasks].filter((task) => task.purchase === purchase && !task.stopping);
      const desired = this.#desired[purchase];
      for (let missing = desired - staying.length; missing > 0; missing--) this.#startTask(purchase);
      const order = ({ worker }: Task) => (worker ? (worker.busy ? 2 : 1) : 0);
      const surplus = Math.max(0, staying.length - desired);
      for (const task of staying.sort((a, b) => order(a) - order(b)).slice(0, surplus)) {
        task.stopping = true;
        if (!task.worker?.busy) this.#endTask(task);
      }
    }
  }

  #startTask(purchase: Purchase): void {
    const machine = this.machines.takeWarm(purchase);
    const task: Task = { purchase, machine, worker: undefined, stopping: false };
    this.#tasks.add(task);
    if (machine) this.#boot(task, 0);
    else this.#after(this.#rules.requested, () => this.#findMachine(task));
  }

  #findMachine(task: Task): void {
    if (!this.#tasks.has(task)) return;
    const warm = this.machines.takeWarm(task.purchase);
    task.machine = warm ?? this.machines.launch(task.purchase);
    if (task.machine) {
      this.#boot(task, warm ? 0 : this.#rules.machineStarts);
      return;
    }
    this.#reportRefusal();
    this.#after(capacityRetry, () => this.#findMachine(task));
  }

  /** AWS's event that there is no Spot capacity; several at a time act as one. */
  #reportRefusal(): void {
    if (this.#refusalPending) return;
    this.#refusalPending = true;
    this.#after(this.#rules.refusalArrives, () => {
      this.#refusalPending = false;
      this.#scale(true);
    });
  }

  /** @param machineStarts seconds until the machine is ready */
  #boot(task: Task, machineStarts: number): void {
    const { machine } = task;
    if (machine) machine.onLoss = (notice) => this.#lose(task, notice);
    this.#after(machineStarts + this.#rules.taskStarts, () => {
      if (!this.#tasks.has(task)) return;
      task.worker = new Worker(this.#lanes, {
        events: this.#events,
        take: (names) => (task.stopping ? undefined : this.#queues.take(names)),
        finished: (job) => this.done.push(job),
        idle: () => {
          if (task.stopping) this.#endTask(task);
        },
      });
      task.worker.takeJobs();
    });
  }

  #endTask(task: Task): void {
    if (!this.#tasks.delete(task)) return;
    this.#pastBusySeconds += task.worker?.busySeconds ?? 0;
    if (task.machine) this.machines.release(task.machine);
  }

  /**
   * AWS interrupts the machine. Jobs return at once after a notice, otherwise after their visibility timeout.
   */
  #lose(task: Task, notice: boolean): void {
    const jobs = task.worker?.stop(notice) ?? [];
    this.#tasks.delete(task);
    this.#pastBusySeconds += task.worker?.busySeconds ?? 0;
    this.#events.schedule(this.#events.now + (notice ? 0 : queueTiming.visibility), () => {
      for (const job of jobs) this.#queues.putBack(job);
      this.#offerJobs();
    });
    this.#resize();
  }

  #after(seconds: number, run: () => void): void {
    const spread = 1 + startSpread * (2 * this.#random.uniform() - 1);
    this.#events.schedule(this.#events.now + seconds * spread, run);
  }
}
