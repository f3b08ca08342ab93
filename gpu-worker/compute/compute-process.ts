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
  /** Precision of the UNet. Default: fp32. */
  readonly precision?: Precision;
  /** Memory limit of all its sessions, in bytes. */
  readonly memory?: number;
  /** Threads per operator. */
  readonly threads?: number;
  /** Cache of data derived from the model, for later processes; `limit` in bytes. */
  readonly cache?: { readonly folder: string; readonly limit: number };
  /** The worker's environment; the process gets only variables without secrets. Default: none. */
  readonly environment?: Environment;
  /** Milliseconds that a canceled task has to end before the process is killed. */
  readonly cancelGraceMs: number;
  /**
   * Milliseconds without a message after which a busy process is killed. Longer than any step or session
   * compilation.
   */
  readonly hangTimeoutMs: number;
  /** Called each time a process is started. */
  onStart?(): void;
  /** Called when two consecutive starts have failed, which means that this worker cannot compute. */
  onFailedStarts?(error: unknown): void;
}

/** Milliseconds to open the model, which may read several GB from a slow disk. */
const startLimit = 600_000;

/** Runs tasks. */
export interface Compute {
  /**
   * Calls to `onEvent` are awaited in order before the task is done.
   *
   * @throws VisibleError from the task, RetryableError if the process failed, and `signal.reason` on abort
   */
  run(task: Task, signal: AbortSignal, onEvent: (event: TaskEvent) => Promise<void>): Promise<TaskDone>;
}

/** False in the worker's image, where this file and the child are bundled into one folder. */
const isSource = import.meta.url.endsWith(".ts");

/**
 * The child process that owns the sessions. Inference blocks its thread, so heartbeats are sent by the
 * parent. The process is started on first use and, after a crash or a kill, again for the next task.
 */
export class ComputeProcess implements Compute {
  readonly #options: ComputeOptions;
  #child: ChildProcess | undefined;
  #ready: Promise<string> | undefined;
  #warm: Promise<void> | undefined;
  /** Number of consecutive failed starts. */
  #failedStarts = 0;

  constructor(options: ComputeOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves with the model's ID when it can take tasks. @throws RetryableError if it cannot start */
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

  /**
   * Compiles what a first task would wait for, at the first call. A task that comes meanwhile goes first and
   * ends it.
   *
   * @throws VisibleError, RetryableError if the model cannot be run
   */
  warmUp(): Promise<void> {
    this.#warm ??= this.#warmUp();
    return this.#warm;
  }

  /** Runs one task at a time. */
  async run(
    task: Task,
    signal: AbortSignal,
    onEvent: (event: TaskEvent) => Promise<void>,
  ): Promise<TaskDone> {
    await this.ready();
    signal.throwIfAborted();
    const child = this.#child!;
    return new Promise<TaskDone>((resolve, reject) => {
      let handled: Promise<void> = Promise.resolve();
      let failed: unknown;
      let killer: NodeJS.Timeout | undefined;
      let isHung = false;
      const watchdog = setTimeout(() => {
        isHung = true;
        child.kill("SIGKILL");
      }, this.#options.hangTimeoutMs);
      const settle = (finish: () => void) => {
        clearTimeout(killer);
        clearTimeout(watchdog);
        child.off("message", hear);
        child.off("exit", crashed);
        signal.removeEventListener("abort", cancel);
        void handled.then(() => (failed === undefined ? finish() : reject(failed)));
      };
      const hear = (message: ChildMessage) => {
        watchdog.refresh();
        if (message.type === "event")
          handled = handled
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
                  isHung
                    ? `the compute process did not respond for ${this.#options.hangTimeoutMs / 1000} s and was killed`
                    : `the compute process exited during a task (${by ?? `code ${code}`})`,
                ),
          ),
        );
      const cancel = () => {
        send(child, { type: "cancel" });
        killer = setTimeout(() => child.kill("SIGKILL"), this.#options.cancelGraceMs);
      };
      child.on("message", hear);
      child.once("exit", crashed);
      signal.addEventListener("abort", cancel, { once: true });
      send(child, { type: "run", task });
    });
  }

  /** Cancels one part of the running task; the others continue. */
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

  async #warmUp(): Promise<void> {
    await this.ready();
    const child = this.#child!;
    const watchdog = setTimeout(() => child.kill("SIGKILL"), startLimit);
    return new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(watchdog);
        child.off("message", hear);
        child.off("exit", crashed);
        finish();
      };
      const hear = (message: ChildMessage) => {
        if (message.type !== "warm") return;
        const { failure } = message;
        settle(() => (failure ? reject(fromFailure(failure)) : resolve()));
      };
      const crashed = () =>
        settle(() => reject(new RetryableError("the compute process exited while it was warming up")));
      child.on("message", hear);
      child.once("exit", crashed);
      send(child, { type: "warm up" });
    });
  }

  #start(): Promise<string> {
    const { model, device, precision, memory, threads, cache, environment = {}, onStart } = this.#options;
    // Each process has its own folder, which is removed even if it is killed.
    const scratch = mkdtempSync(join(tmpdir(), "visii-compute-"));
    const child = fork(
      fileURLToPath(new URL(isSource ? "child.ts" : "child.mjs", import.meta.url)),
      // JSON omits undefined values.
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
          reject(new RetryableError(`the compute process cannot start: ${stack ?? text}`));
        }
        child.off("message", hear);
      };
      child.on("message", hear);
      child.once("error", (cause) =>
        reject(new RetryableError("the compute process cannot start", { cause })),
      );
      child.once("exit", () => reject(new RetryableError("the compute process exited during start-up")));
    });
  }
}

/** Ignores errors: if the process has just exited, its exit event is handled. */
function send(child: ChildProcess, message: ParentMessage): void {
  child.send(message, () => undefined);
}
