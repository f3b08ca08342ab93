import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Precision } from "../../engine/networks/precision.ts";
import type { Device } from "../../engine/runtime/device.ts";
import { ProcessKilled, RetryableError } from "../../shared/errors.ts";
import { computingEnvironment, type Environment } from "./computing-environment.ts";
import type { ChildMessage, ParentMessage, Task, TaskDone, TaskEvent } from "./protocol.ts";
import { fromFailure } from "./task-failure.ts";

interface ComputeOptions {
  /** Folder of the model, in diffusers layout. */
  readonly model: string;
  readonly device: Device;
  /** What the UNet computes in; fp32 when absent. */
  readonly precision?: Precision;
  /** Bytes that its sessions may take together. */
  readonly memory?: number;
  /** Threads inside one operator. */
  readonly threads?: number;
  /** Where what is computed from the model is kept for the next process, and at most how many bytes of it. */
  readonly cache?: { readonly folder: string; readonly limit: number };
  /** The worker's environment, of which the process gets what holds no secret; nothing when absent. */
  readonly environment?: Environment;
  /** Milliseconds a canceled task has to end between two steps before the process is killed. */
  readonly patience: number;
  /**
   * Milliseconds a busy process may say nothing before it counts as wedged and is killed. Longer than the longest step and than
   * compiling the largest session.
   */
  readonly silence: number;
  /** Told each time a process is started. */
  onStart?(): void;
  /** Told when two starts in a row failed: one may have been killed, but now nothing will be computed here. */
  onFailedStarts?(error: unknown): void;
}

/** Milliseconds a process has to open its model: reading a few GB of weights from a slow disk. */
const startLimit = 600_000;

/** Whatever can run a task. */
export interface Compute {
  /**
   * `onEvent` is awaited in order before the task counts as done.
   *
   * @throws VisibleError as the task did, RetryableError when the process broke, and `signal.reason` when that aborts
   */
  run(task: Task, signal: AbortSignal, onEvent: (event: TaskEvent) => Promise<void>): Promise<TaskDone>;
}

/** Or a bundle, as in the worker's image; the child then is another one beside it. */
const isSource = import.meta.url.endsWith(".ts");

/**
 * The process that owns the sessions. Inference blocks its thread, so whatever must stay awake lives here in the parent.
 * Started when first needed; one that crashed or had to be killed is replaced at the next task.
 */
export class ComputeProcess implements Compute {
  readonly #options: ComputeOptions;
  #child: ChildProcess | undefined;
  #ready: Promise<string> | undefined;
  /** In a row. */
  #failedStarts = 0;

  constructor(options: ComputeOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves with the model's id when it can take tasks. @throws RetryableError when it cannot start */
  ready(): Promise<string> {
    this.#ready ??= this.#start().then(
      (model) => {
        this.#failedStarts = 0;
        return model;
      },
      (error: unknown) => {
        if (++this.#failedStarts > 1) this.#options.onFailedStarts?.(error);
        throw error;
      },
    );
    return this.#ready;
  }

  /** One task at a time. */
  async run(
    task: Task,
    signal: AbortSignal,
    onEvent: (event: TaskEvent) => Promise<void>,
  ): Promise<TaskDone> {
    await this.ready();
    signal.throwIfAborted();
    const child = this.#child!;
    return new Promise<TaskDone>((resolve, reject) => {
      let told: Promise<void> = Promise.resolve();
      let failed: unknown;
      let killer: NodeJS.Timeout | undefined;
      let wedged = false;
      const watchdog = setTimeout(() => {
        wedged = true;
        child.kill("SIGKILL");
      }, this.#options.silence);
      const settle = (finish: () => void) => {
        clearTimeout(killer);
        clearTimeout(watchdog);
        child.off("message", hear);
        child.off("exit", crashed);
        signal.removeEventListener("abort", cancel);
        void told.then(() => (failed === undefined ? finish() : reject(failed)));
      };
      const hear = (message: ChildMessage) => {
        watchdog.refresh();
        if (message.type === "event")
          told = told
            .then(() => onEvent(message.event))
            .catch((error: unknown) => {
              failed ??= error;
            });
        else if (message.type === "done") settle(() => resolve(message.done));
        else if (message.type === "failed")
          settle(() => {
            const { failure } = message;
            reject(failure.kind === "canceled" ? signal.reason : fromFailure(failure));
          });
      };
      const crashed = (code: number | null, by: NodeJS.Signals | null) =>
        settle(() =>
          reject(
            signal.aborted
              ? signal.reason
              : new ProcessKilled(
                  wedged
                    ? `the computing process said nothing for ${this.#options.silence / 1000} s and was killed`
                    : `the computing process ended in the middle of a task (${by ?? `code ${code}`})`,
                ),
          ),
        );
      const cancel = () => {
        send(child, { type: "cancel" });
        killer = setTimeout(() => child.kill("SIGKILL"), this.#options.patience);
      };
      child.on("message", hear);
      child.once("exit", crashed);
      signal.addEventListener("abort", cancel, { once: true });
      send(child, { type: "run", task });
    });
  }

  /** Calls off one part of the task that runs now; the others go on. */
  cancelPart(part: number): void {
    if (this.#child) send(this.#child, { type: "cancel", part });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGKILL");
    await gone;
  }

  #start(): Promise<string> {
    const { model, device, precision, memory, threads, cache, environment = {}, onStart } = this.#options;
    // Its own, so that what a killed one left behind goes with it.
    const scratch = mkdtempSync(join(tmpdir(), "visii-compute-"));
    const child = fork(
      fileURLToPath(new URL(isSource ? "child.ts" : "child.mjs", import.meta.url)),
      // What is undefined is left out of JSON.
      [JSON.stringify({ model, device, precision, memory, scratch, threads, cache })],
      {
        serialization: "advanced",
        execArgv: isSource ? ["--import", import.meta.resolve("tsx")] : [],
        env: computingEnvironment(environment),
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      },
    );
    this.#child = child;
    onStart?.();
    const watchdog = setTimeout(() => child.kill("SIGKILL"), startLimit);
    child.once("exit", () => {
      clearTimeout(watchdog);
      rmSync(scratch, { recursive: true, force: true });
      if (this.#child === child) {
        this.#child = undefined;
        this.#ready = undefined;
      }
    });
    return new Promise((resolve, reject) => {
      const hear = (message: ChildMessage) => {
        clearTimeout(watchdog);
        if (message.type === "ready") resolve(message.model);
        if (message.type === "failed") {
          const { stack, message: text } = message.failure;
          reject(new RetryableError(`the computing process cannot start: ${stack ?? text}`));
        }
        child.off("message", hear);
      };
      child.on("message", hear);
      child.once("error", (cause) =>
        reject(new RetryableError("the computing process cannot start", { cause })),
      );
      child.once("exit", () => reject(new RetryableError("the computing process ended while it started")));
    });
  }
}

/** A message to a process that just died is lost with it; its exit is what counts. */
function send(child: ChildProcess, message: ParentMessage): void {
  child.send(message, () => undefined);
}
