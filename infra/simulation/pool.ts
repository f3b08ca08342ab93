import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import {
  lookPeriod,
  type PoolName,
  type PoolPolicy,
  type PoolSize,
  type Purchase,
  pools,
  purchases,
  queuesOf,
} from "../../scaler/policy.ts";
import { decide, type Memory, type Messages } from "../../scaler/rules.ts";
import { type QueueName, queueTiming } from "../../shared/queue-timing.ts";
import { capacityRetry, startSpread, wakeDelay } from "./assumptions.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Job } from "./job.ts";
import { JobQueues } from "./job-queues.ts";
import { type Machine, type MachineRules, Machines } from "./machines.ts";
import { Worker } from "./worker.ts";

export interface PoolRules extends MachineRules {
  readonly size: PoolSize;
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
  readonly purchase: Purchase;
  machine: Machine | undefined;
  worker: Worker | undefined;
  /** Asked to go as soon as it has nothing to do, or before it has begun. */
  leaving: boolean;
}

/** A group of workers with its queues and its machines, sized by the deployed scaler's own rules. */
export class Pool {
  readonly machines: Machines;
  readonly history: PoolMoment[] = [];
  readonly done: Job[] = [];
  readonly #queues = new JobQueues();
  readonly #tasks = new Set<Task>();
  #gone = 0;
  #memory: Memory | undefined;
  /** Workers asked of ECS. */
  #asked: Record<Purchase, number>;
  /** What the queues held at each look; the newest last. */
  readonly #counted: (Messages & { readonly at: number })[] = [];
  #waking = false;
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
    this.#asked = { spot: minimum - onDemand, onDemand };
    this.#resize();
    this.#tick();
  }

  put(job: Job): void {
    this.#queues.put(job);
    this.#wakeIdle();
    if (this.#waking || this.#wanted > 0) return;
    this.#waking = true;
    this.#events.schedule(this.#events.now + wakeDelay, () => {
      this.#waking = false;
      this.#look();
    });
  }

  get #wanted(): number {
    return this.#memory?.wanted ?? this.#rules.size.minimum;
  }

  /** Seconds in which workers computed. */
  get busySeconds(): number {
    return [...this.#tasks].reduce((sum, { worker }) => sum + (worker?.busySeconds ?? 0), this.#gone);
  }

  #wakeIdle(): void {
    for (const { worker } of this.#tasks) if (worker?.hasRoom) worker.look();
  }

  get #lanes(): readonly (readonly QueueName[])[] {
    return pools[this.#name].lanes;
  }

  /** Once each period of the schedule. */
  #tick(): void {
    this.#counted.push({ at: this.#events.now, ...this.#count() });
    this.#record();
    this.#look();
    this.#events.schedule(this.#events.now + lookPeriod, () => this.#tick());
  }

  /** What the deployed scaler does at a look, and what may go wrong with it: AWS refuses, counts are old. */
  #look(): void {
    const { now } = this.#events;
    const { policy, size, weather } = this.#rules;
    if (weather.spoiltLooks > 0 && this.#random.uniform() < weather.spoiltLooks) return;
    const counts = weather.countsLate
      ? this.#counted.findLast(({ at }) => at <= now - weather.countsLate)
      : this.#count();
    const running = (purchase: Purchase) =>
      [...this.#tasks].filter((task) => task.worker && task.purchase === purchase).length;
    const workers = {
      spot: { desired: this.#asked.spot, running: running("spot") },
      onDemand: { desired: this.#asked.onDemand, running: running("onDemand") },
    };
    const reading = { visible: {}, inFlight: {}, ...counts, workers };
    const decision = decide(this.#name, reading, this.#memory, { policy, size }, now);
    this.#memory = decision.memory;
    this.#asked = { ...decision.workers };
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

  /** Tasks as many as are asked for: ones that have not begun go first, then idle ones; a busy one ends its work. */
  #resize(): void {
    for (const purchase of purchases) {
      const staying = [...this.#tasks].filter((task) => task.purchase === purchase && !task.leaving);
      const asked = this.#asked[purchase];
      for (let missing = asked - staying.length; missing > 0; missing--) this.#startTask(purchase);
      const ease = ({ worker }: Task) => (worker ? (worker.busy ? 2 : 1) : 0);
      const surplus = Math.max(0, staying.length - asked);
      for (const task of staying.sort((a, b) => ease(a) - ease(b)).slice(0, surplus)) {
        task.leaving = true;
        if (!task.worker?.busy) this.#endTask(task);
      }
    }
  }

  #startTask(purchase: Purchase): void {
    const machine = this.machines.takeWarm(purchase);
    const task: Task = { purchase, machine, worker: undefined, leaving: false };
    this.#tasks.add(task);
    if (machine) this.#boot(task, 0);
    else this.#after(this.#rules.noticed, () => this.#findMachine(task));
  }

  #findMachine(task: Task): void {
    if (!this.#tasks.has(task)) return;
    const warm = this.machines.takeWarm(task.purchase);
    task.machine = warm ?? this.machines.buy(task.purchase);
    if (task.machine) this.#boot(task, warm ? 0 : this.#rules.machineStarts);
    else this.#after(capacityRetry, () => this.#findMachine(task));
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
