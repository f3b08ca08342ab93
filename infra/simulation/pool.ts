import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import { type QueueName, queueTiming } from "../../shared/queue-timing.ts";
import {
  busyShare,
  messages,
  metricPeriod,
  type PoolName,
  type PoolPolicy,
  type PoolReading,
  pools,
  queuesOf,
  shedTo,
  trackingReadings,
  trackTo,
  wakeTo,
} from "../scaling-policy.ts";
import { metricDelay, startSpread } from "./assumptions.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Job } from "./job.ts";
import { JobQueues } from "./job-queues.ts";
import { type Machine, type MachineRules, Machines } from "./machines.ts";
import { Worker } from "./worker.ts";

export interface PoolRules extends MachineRules {
  readonly minimum: number;
  readonly maximum: number;
  readonly policy: PoolPolicy;
  /** Seconds until a task that finds no machine makes one be bought. */
  readonly noticed: number;
  /** Seconds from then until a task can start on it. */
  readonly machineStarts: number;
  /** Seconds until a started task takes jobs. */
  readonly taskStarts: number;
}

/** What stood at a minute. */
export interface PoolMoment {
  readonly at: number;
  readonly waiting: number;
  readonly desired: number;
  readonly ready: number;
  readonly machines: number;
}

interface Task {
  machine: Machine | undefined;
  worker: Worker | undefined;
  /** Asked to go as soon as it has nothing to do, or before it has begun. */
  leaving: boolean;
}

/** A group of workers with its queues, its machines and the alarms that move its size. */
export class Pool {
  readonly machines: Machines;
  readonly history: PoolMoment[] = [];
  readonly done: Job[] = [];
  readonly #queues = new JobQueues();
  readonly #tasks = new Set<Task>();
  #gone = 0;
  #desired: number;
  /** Readings in a row; the newest last. */
  readonly #readings: PoolReading[] = [];
  #above = 0;
  #lastOut = Number.NEGATIVE_INFINITY;
  #surplusSince: number | undefined;
  #idleSince: number | undefined;
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
    this.#desired = rules.minimum;
    this.#resize();
    this.#tick();
  }

  put(job: Job): void {
    this.#queues.put(job);
    this.#wakeIdle();
  }

  /** Seconds in which workers computed. */
  get busySeconds(): number {
    return [...this.#tasks].reduce((sum, { worker }) => sum + (worker?.busySeconds ?? 0), this.#gone);
  }

  #wakeIdle(): void {
    for (const { worker } of this.#tasks)
      if (worker && worker.jobs.length < this.#lanes.length) worker.look();
  }

  get #lanes(): readonly (readonly QueueName[])[] {
    return pools[this.#name].lanes;
  }

  /** Once each metric period, by readings that are as old as CloudWatch's. */
  #tick(): void {
    this.#readings.push(this.#read());
    this.#record();
    const late = this.#readings[this.#readings.length - 1 - Math.round(metricDelay / metricPeriod)];
    if (late) this.#decide({ ...late, desired: this.#desired });
    this.#events.schedule(this.#events.now + metricPeriod, () => this.#tick());
  }

  #decide(reading: PoolReading): void {
    const { now } = this.#events;
    const { policy, minimum, maximum } = this.#rules;
    const name = this.#name;
    let desired = this.#desired;
    const woken = wakeTo(name, reading, policy);
    if (woken > desired) desired = woken;

    const tracked = trackTo(name, reading, policy);
    this.#above = tracked > desired ? this.#above + 1 : 0;
    if (this.#above >= trackingReadings && now - this.#lastOut >= policy.outCooldown) {
      desired = tracked;
      this.#lastOut = now;
    }
    const surplus = desired > minimum && busyShare(name, reading) < policy.surplusShare;
    this.#surplusSince = surplus ? (this.#surplusSince ?? now) : undefined;
    if (this.#surplusSince !== undefined && now - this.#surplusSince >= policy.surplusAfter) {
      desired = shedTo(reading);
      this.#surplusSince = now;
    }
    const idle = messages(name, reading) === 0;
    this.#idleSince = idle ? (this.#idleSince ?? now) : undefined;
    if (this.#idleSince !== undefined && now - this.#idleSince >= policy.idleAfter) desired = 0;

    this.#desired = Math.min(maximum, Math.max(minimum, desired));
    this.#resize();
  }

  #read(): PoolReading {
    const visible: Partial<Record<QueueName, number>> = {};
    const inFlight: Partial<Record<QueueName, number>> = {};
    for (const queue of queuesOf(this.#name)) visible[queue] = this.#queues.count(queue);
    for (const { worker } of this.#tasks)
      for (const { queue } of worker?.jobs ?? []) inFlight[queue] = (inFlight[queue] ?? 0) + 1;
    return { visible, inFlight, desired: this.#desired };
  }

  #record(): void {
    const tasks = [...this.#tasks];
    this.history.push({
      at: this.#events.now,
      waiting: queuesOf(this.#name).reduce((sum, queue) => sum + this.#queues.count(queue), 0),
      desired: this.#desired,
      ready: tasks.filter(({ worker }) => worker).length,
      machines: this.machines.all.filter(({ endedAt }) => endedAt === undefined).length,
    });
  }

  /** Tasks as many as are wanted: ones that have not begun go first, then idle ones; a busy one ends its work. */
  #resize(): void {
    const staying = [...this.#tasks].filter(({ leaving }) => !leaving);
    for (let missing = this.#desired - staying.length; missing > 0; missing--) this.#startTask();
    const ease = ({ worker }: Task) => (worker ? (worker.busy ? 2 : 1) : 0);
    const surplus = Math.max(0, staying.length - this.#desired);
    for (const task of staying.sort((a, b) => ease(a) - ease(b)).slice(0, surplus)) {
      task.leaving = true;
      if (!task.worker?.busy) this.#endTask(task);
    }
  }

  #startTask(): void {
    const task: Task = { machine: this.machines.takeWarm(), worker: undefined, leaving: false };
    this.#tasks.add(task);
    if (task.machine) {
      this.#boot(task, 0);
      return;
    }
    this.#after(this.#rules.noticed, () => {
      if (!this.#tasks.has(task)) return;
      const warm = this.machines.takeWarm();
      task.machine = warm ?? this.machines.buy();
      this.#boot(task, warm ? 0 : this.#rules.machineStarts);
    });
  }

  /** @param machineStarts seconds until its machine is there */
  #boot(task: Task, machineStarts: number): void {
    const { machine } = task;
    if (machine) machine.onLoss = (notice) => this.#lose(task, notice);
    this.#after(machineStarts + this.#rules.taskStarts, () => {
      if (!this.#tasks.has(task)) return;
      task.worker = new Worker(this.#lanes, {
        events: this.#events,
        take: (names) => (task.leaving ? undefined : this.#queues.take(names)),
        finished: (job) => this.done.push(job),
        idle: () => {
          if (task.leaving) this.#endTask(task);
        },
      });
      task.worker.look();
    });
  }

  #endTask(task: Task): void {
    if (!this.#tasks.delete(task)) return;
    this.#gone += task.worker?.busySeconds ?? 0;
    if (task.machine) this.machines.release(task.machine);
  }

  /** AWS takes the machine. Jobs come back at once after a notice, else when their message's visibility ends. */
  #lose(task: Task, notice: boolean): void {
    const jobs = task.worker?.stop(notice) ?? [];
    this.#tasks.delete(task);
    this.#gone += task.worker?.busySeconds ?? 0;
    this.#events.schedule(this.#events.now + (notice ? 0 : queueTiming.visibility), () => {
      for (const job of jobs) this.#queues.putBack(job);
      this.#wakeIdle();
    });
    this.#resize();
  }

  #after(seconds: number, run: () => void): void {
    const spread = 1 + startSpread * (2 * this.#random.uniform() - 1);
    this.#events.schedule(this.#events.now + seconds * spread, run);
  }
}
