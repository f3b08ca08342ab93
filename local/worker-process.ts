import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A worker as a process of its own, as it runs in production; one that dies is started again. */
export class WorkerProcess {
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #stopping = false;
  /** Process ids of the computing processes, as the worker told them. */
  computePids: readonly number[] = [];

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it can take jobs; rejects when it ends before. */
  start(): Promise<void> {
    const child = fork(fileURLToPath(new URL("../gpu-worker/main.ts", import.meta.url)), [], {
      env: { ...process.env, ...this.#environment },
      execArgv: ["--import", import.meta.resolve("tsx")],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.on("message", (message: { readonly pids?: readonly number[] }) => {
        this.computePids = message.pids ?? [];
        resolve();
      });
      child.once("exit", (code) => {
        reject(new Error(`the worker ended with code ${code}`));
        if (!this.#stopping && code !== 1) void this.start().catch(() => undefined);
      });
    });
  }

  /** Tells it to stop: what it works on is saved and goes back to the queue. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), 25_000);
    await gone;
    clearTimeout(killer);
  }
}
