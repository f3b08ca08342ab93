import { type ChildProcess, fork } from "node:child_process";
import { z } from "zod";

/** Message that a process may send before it ends, with the reason. */
const failureSchema = z.object({ type: z.literal("failed"), reason: z.string() });

interface SupervisedOptions {
  readonly entry: URL;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
}

/** A part of the service as a separate process, as in production. It is restarted after a crash. */
export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #ready = false;
  #environment: Readonly<Record<string, string>> = {};

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** True after the process has reported that it is ready, until it ends. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Resolves with the process's first message, which means that it is ready. Rejects, with the reason, if it ends before. */
  start(): Promise<unknown> {
    const { entry, environment } = this.#options;
    const child = fork(entry, [], {
      env: { ...process.env, ...environment, ...this.#environment },
      execArgv: ["--import", import.meta.resolve("tsx")],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    let because = "";
    return new Promise((resolve, reject) => {
      child.on("message", (message) => {
        const failure = failureSchema.safeParse(message);
        if (failure.success) {
          because = `: ${failure.data.reason}`;
          return;
        }
        this.hear(message);
        this.#ready = true;
        resolve(message);
      });
      child.once("exit", (code) => {
        this.#ready = false;
        reject(new Error(`The ${this.name} ended with code ${code}${because}`));
        // Exit code 1 means that it cannot start; a restart would fail too.
        if (!this.#stopping && code !== 1) void this.start().catch(() => undefined);
      });
    });
  }

  /** Stops the process and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), this.#options.stopGraceMs);
    await gone;
    clearTimeout(killer);
  }

  protected get name(): string {
    return "process";
  }

  protected hear(_message: unknown): void {}

  /** Sets variables for restarts. */
  protected keep(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }
}
