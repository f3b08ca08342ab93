import { z } from "zod";
import type { Clock } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";

/** Milliseconds unless the name says otherwise. */
export const protectionTiming = {
  /** For how long ECS is asked to leave the task alone; asked again in time. */
  minutes: 60,
  /** Left of that when it is asked again. */
  margin: 30 * 60_000,
  /** Without work before it is given up: not after each of many short jobs. */
  linger: 20_000,
  /** Of one call. */
  timeout: 5000,
} as const;
type ProtectionTiming = { readonly [Name in keyof typeof protectionTiming]: number };

/**
 * Keeps ECS from stopping this task, for scaling or for a deployment, while it works (Amazon ECS: "task scale-in protection
 * endpoint"). A call that fails is logged and changes nothing else: a job that is cut off is given back and done by another.
 */
export class TaskProtection {
  readonly #url: string;
  readonly #ports: { readonly clock: Clock; readonly log: Log };
  readonly #timing: ProtectionTiming;
  #working = 0;
  /** Milliseconds since 1970; 0 when there is none. */
  #protectedUntil = 0;
  #lingering = new AbortController();

  /** @param agentUri as ECS tells it to the container, in `ECS_AGENT_URI` */
  constructor(
    agentUri: string,
    ports: { readonly clock: Clock; readonly log: Log },
    timing: Partial<ProtectionTiming> = {},
  ) {
    this.#url = `${agentUri}/task-protection/v1/state`;
    this.#ports = ports;
    this.#timing = { ...protectionTiming, ...timing };
  }

  /** Does the work protected. Several may be at work at once. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#ports;
    this.#working++;
    this.#lingering.abort();
    try {
      if (clock.now() + this.#timing.margin > this.#protectedUntil) await this.#ask(true);
      return await work();
    } finally {
      if (--this.#working === 0) void this.#giveUpLater();
    }
  }

  /** The task ends by itself now; nobody has to be told. */
  close(): void {
    this.#lingering.abort();
  }

  async #giveUpLater(): Promise<void> {
    const lingering = new AbortController();
    this.#lingering = lingering;
    await this.#ports.clock.sleep(this.#timing.linger, lingering.signal);
    if (!lingering.signal.aborted && this.#protectedUntil) await this.#ask(false);
  }

  async #ask(enabled: boolean): Promise<void> {
    const { clock, log } = this.#ports;
    const { minutes, timeout } = this.#timing;
    try {
      const answer = await fetch(this.#url, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          ProtectionEnabled: enabled,
          ...(enabled ? { ExpiresInMinutes: minutes } : {}),
        }),
        signal: AbortSignal.timeout(timeout),
      });
      const { failure } = answerSchema.parse(await answer.json());
      if (!answer.ok || failure) throw new Error(failure?.Reason ?? `the agent answered ${answer.status}`);
      this.#protectedUntil = enabled ? clock.now() + minutes * 60_000 : 0;
    } catch (error) {
      log.error("the task's protection could not be changed", { enabled, error });
    }
  }
}

const answerSchema = z.object({ failure: z.object({ Reason: z.string().optional() }).nullish() });
