import type { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { Purchase } from "../../scaler/policy.ts";
import type { Conditions } from "./assumptions.ts";
import type { EventQueue, ScheduledEvent } from "./event-queue.ts";

export interface Machine {
  readonly purchase: Purchase;
  readonly launchedAt: number;
  endedAt: number | undefined;
  /** Termination, canceled when a task takes the machine. */
  termination: ScheduledEvent | undefined;
  /** Called when AWS interrupts the machine. */
  onLoss: ((notice: boolean) => void) | undefined;
}

export interface MachineRules {
  /** Seconds for which an empty machine is kept for a new task. */
  readonly machineIdleAfter: number;
  readonly conditions: Conditions;
}

/** The machines of one pool: launched, kept for a while, terminated, or interrupted by AWS. */
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
    if (machine?.termination) machine.termination.canceled = true;
    return machine;
  }

  /** @returns undefined without capacity */
  launch(purchase: Purchase): Machine | undefined {
    const { now } = this.#events;
    const { noSpot } = this.#rules.conditions;
    if (purchase === "spot" && noSpot && now >= noSpot.from && now < noSpot.until) return undefined;
    const machine: Machine = {
      purchase,
      launchedAt: now,
      endedAt: undefined,
      termination: undefined,
      onLoss: undefined,
    };
    this.all.push(machine);
    if (purchase === "spot") this.#scheduleLoss(machine);
    return machine;
  }

  /** Its task has ended. */
  release(machine: Machine): void {
    machine.onLoss = undefined;
    if (machine.endedAt !== undefined) return;
    this.#warm[machine.purchase].push(machine);
    machine.termination = this.#events.schedule(this.#events.now + this.#rules.machineIdleAfter, () =>
      this.#end(machine),
    );
  }

  /** Billed seconds up to now. */
  paid(): Readonly<Record<Purchase, number>> {
    const paid = { onDemand: 0, spot: 0 };
    for (const { purchase, launchedAt, endedAt } of this.all)
      paid[purchase] += (endedAt ?? this.#events.now) - launchedAt;
    return paid;
  }

  #scheduleLoss(machine: Machine): void {
    const { interruptionsAnHour, unannounced } = this.#rules.conditions;
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
