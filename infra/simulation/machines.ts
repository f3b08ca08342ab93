import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { Purchase } from "../../scaler/policy.ts";
import type { Weather } from "./assumptions.ts";
import type { Appointment, EventQueue } from "./event-queue.ts";

export interface Machine {
  readonly purchase: Purchase;
  readonly boughtAt: number;
  endedAt: number | undefined;
  /** Called off when a task takes it. */
  leaving: Appointment | undefined;
  /** Told when AWS takes the machine back. */
  onLoss: ((notice: boolean) => void) | undefined;
}

export interface MachineRules {
  /** Seconds an empty machine stays, and a new task finds it warm. */
  readonly machineIdleAfter: number;
  readonly weather: Weather;
}

/** The machines of one pool: bought, kept warm for a while, given back, taken away by AWS. */
export class Machines {
  readonly all: Machine[] = [];
  readonly #events: EventQueue;
  readonly #random: SeededRandom;
  readonly #rules: MachineRules;
  readonly #warm: Record<Purchase, Machine[]> = { spot: [], onDemand: [] };
  losses = 0;

  constructor(events: EventQueue, random: SeededRandom, rules: MachineRules) {
    this.#events = events;
    this.#random = random;
    this.#rules = rules;
  }

  takeWarm(purchase: Purchase): Machine | undefined {
    const machine = this.#warm[purchase].pop();
    if (machine?.leaving) machine.leaving.cancelled = true;
    return machine;
  }

  /** Undefined where AWS has none. */
  buy(purchase: Purchase): Machine | undefined {
    const { now } = this.#events;
    const { noSpot } = this.#rules.weather;
    if (purchase === "spot" && noSpot && now >= noSpot.from && now < noSpot.until) return undefined;
    const machine: Machine = {
      ...{ purchase, boughtAt: now, endedAt: undefined, leaving: undefined, onLoss: undefined },
    };
    this.all.push(machine);
    if (purchase === "spot") this.#appointLoss(machine);
    return machine;
  }

  /** Its task has gone. */
  release(machine: Machine): void {
    machine.onLoss = undefined;
    if (machine.endedAt !== undefined) return;
    this.#warm[machine.purchase].push(machine);
    machine.leaving = this.#events.schedule(this.#events.now + this.#rules.machineIdleAfter, () =>
      this.#end(machine),
    );
  }

  /** Seconds for which machines were paid, up to now. */
  paid(): Readonly<Record<Purchase, number>> {
    const paid = { onDemand: 0, spot: 0 };
    for (const { purchase, boughtAt, endedAt } of this.all)
      paid[purchase] += (endedAt ?? this.#events.now) - boughtAt;
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
    const warm = this.#warm[machine.purchase];
    const at = warm.indexOf(machine);
    if (at >= 0) warm.splice(at, 1);
  }
}
