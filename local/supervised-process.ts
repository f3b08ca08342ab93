import { type ChildProcess, fork } from "node:child_process";

interface SupervisedOptions {
  readonly entry: URL;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds between being told to stop and being killed. */
  readonly patience: number;
}

/** A part of the service as a process of its own, as it runs in production; one that dies is started again. */
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

  /** It has said so, and has not ended since. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Resolves with the first thing it says, which means that it is ready; rejects when it ends before. */
  start(): Promise<unknown> {
    const { entry, environment } = this.#options;
    const child = fork(entry, [], {
      env: { ...process.env, ...environment, ...this.#environment },
      execArgv: ["--import", import.meta.resolve("tsx")],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.on("message", (message) => {
        this.hear(message);
        this.#ready = true;
        resolve(message);
      });
      child.once("exit", (code) => {
        this.#ready = false;
        reject(new Error(`the ${this.name} ended with code ${code}`));
        // 1 is its own word that it cannot start; again would be no better.
        if (!this.#stopping && code !== 1) void this.start().catch(() => undefined);
      });
    });
  }

  /** Tells it to stop, and waits until it has. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), this.#options.patience);
    await gone;
    clearTimeout(killer);
  }

  protected get name(): string {
    return "process";
  }

  protected hear(_message: unknown): void {}

  /** Variables for those that replace this one. */
  protected keep(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }
}
