import { z } from "zod";
import type { Clock } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";

/** Milliseconds unless the name says otherwise. */
const protectionTiming = {
  /** Duration of the protection in minutes; it is renewed in time. */
  minutes: 60,
  /** Remaining time at which it is renewed. */
  margin: 30 * 60_000,
  /** Idle time after which it is removed, so that short jobs do not toggle it. */
  linger: 20_000,
  /** Timeout of a call. */
  timeout: 5000,
} as const;
type ProtectionTiming = { readonly [Name in keyof typeof protectionTiming]: number };

/**
 * Prevents ECS from stopping this task for scaling or a deployment while it has a job (Amazon ECS:
 * "task scale-in protection endpoint"). A failed call is only logged: a job that is stopped continues on
 * another worker.
 */
export class TaskProtection {
  readonly #url: string;
  readonly #ports: { readonly clock: Clock; readonly log: Log };
  readonly #timing: ProtectionTiming;
  #working = 0;
  /** Milliseconds since 1970; 0 without protection. */
  #protectedUntil = 0;
  #lingering = new AbortController();

  /** @param agentUri value of `ECS_AGENT_URI`, set by ECS */
  constructor(
    agentUri: string,
    ports: { readonly clock: Clock; readonly log: Log },
    timing: Partial<ProtectionTiming> = {},
  ) {
    this.#url = `${agentUri}/task-protection/v1/state`;
    this.#ports = ports;
    this.#timing = { ...protectionTiming, ...timing };
  }

  /** Runs `work` under protection. Calls may overlap. */
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

  /** Stops renewing; the task is about to exit. */
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
      if (!answer.ok || failure)
        throw new Error(failure?.Reason ?? `the ECS agent responded with ${answer.status}`);
      this.#protectedUntil = enabled ? clock.now() + minutes * 60_000 : 0;
    } catch (error) {
      log.error("the task's protection could not be changed", { enabled, error });
    }
  }
}

const answerSchema = z.object({ failure: z.object({ Reason: z.string().optional() }).nullish() });
