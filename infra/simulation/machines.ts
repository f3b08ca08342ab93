import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { SpotWeather } from "./assumptions.ts";
import type { Appointment, EventQueue } from "./event-queue.ts";

export interface Machine {
  readonly spot: boolean;
  readonly boughtAt: number;
  endedAt: number | undefined;
  /** Called off when a task takes it. */
  leaving: Appointment | undefined;
  /** Told when AWS takes the machine back. */
  onLoss: ((notice: boolean) => void) | undefined;
}

export interface MachineRules {
  /** Of the machines, so many are never Spot. `Infinity` where there is no Spot at all. */
  readonly onDemandBase: number;
  /** Seconds an empty machine stays, and a new task finds it warm. */
  readonly idleAfter: number;
  readonly weather: SpotWeather;
}

/** The machines of one pool: bought, kept warm for a while, given back, taken away by AWS. */
export class Machines {
  readonly all: Machine[] = [];
  readonly #events: EventQueue;
  readonly #random: SeededRandom;
  readonly #rules: MachineRules;
  readonly #warm: Machine[] = [];
  losses = 0;

  constructor(events: EventQueue, random: SeededRandom, rules: MachineRules) {
    this.#events = events;
    this.#random = random;
    this.#rules = rules;
  }

  takeWarm(): Machine | undefined {
    const machine = this.#warm.pop();
    if (machine?.leaving) machine.leaving.cancelled = true;
    return machine;
  }

  buy(): Machine {
    const { now } = this.#events;
    const standing = this.all.filter(({ spot, endedAt }) => !spot && endedAt === undefined).length;
    const spot = standing >= this.#rules.onDemandBase;
    const machine: Machine = {
      ...{ spot, boughtAt: now, endedAt: undefined, leaving: undefined, onLoss: undefined },
    };
    this.all.push(machine);
    if (spot) this.#appointLoss(machine);
    return machine;
  }

  /** Its task has gone. */
  release(machine: Machine): void {
    machine.onLoss = undefined;
    if (machine.endedAt !== undefined) return;
    this.#warm.push(machine);
    machine.leaving = this.#events.schedule(this.#events.now + this.#rules.idleAfter, () =>
      this.#end(machine),
    );
  }

  /** Seconds for which machines were paid, up to now. */
  paid(): { readonly onDemand: number; readonly spot: number } {
    const paid = { onDemand: 0, spot: 0 };
    for (const { spot, boughtAt, endedAt } of this.all)
      paid[spot ? "spot" : "onDemand"] += (endedAt ?? this.#events.now) - boughtAt;
    return paid;
  }

  #appointLoss(machine: Machine): void {
    const { interruptionsAnHour, unannounced } = this.#rules.weather;
    if (interruptionsAnHour <= 0) return;
    const life = (-Math.log(1 - this.#random.uniform()) / interruptionsAnHour) * 3600;
    this.#events.schedule(this.#events.now + life, () => {
      if (machine.endedAt !== undefined) return;
      this.losses++;
      this.#end(machine);
      machine.onLoss?.(this.#random.uniform() >= unannounced);
    });
  }

  #end(machine: Machine): void {
    machine.endedAt = this.#events.now;
    const at = this.#warm.indexOf(machine);
    if (at >= 0) this.#warm.splice(at, 1);
  }
}
