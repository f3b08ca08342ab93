import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { errorCodes } from "../../shared/error-codes.ts";
import { RetryableError, VisibleError } from "../../shared/errors.ts";
import { parseJson } from "../../shared/json.ts";
import { isApiErrorCode } from "../../shared/problem.ts";
import { showBytes } from "../../shared/show-bytes.ts";
import { computingEnvironment, type Environment } from "./computing-environment.ts";
import { decoderStarted, outOfMemory, refusedByDecoder } from "./decoder-protocol.ts";

interface DecoderOptions {
  /** The worker's environment; the process gets only variables without secrets. */
  readonly environment: Environment;
  /** Limit of processor time for one image, in seconds. The limit of elapsed time is four times as long. */
  readonly seconds: number;
  /** Memory limit of the process in bytes. Default: 2 GiB. */
  readonly memory?: number;
}

/** Converts an uploaded file to a PNG of the same pixels. `subject` names the file in errors. */
export type Normalize = (file: Uint8Array, subject: string, signal: AbortSignal) => Promise<Uint8Array>;

/** 50 megapixels with 16 bits and alpha are 400 MB without compression. */
const maxOutput = 512 * 2 ** 20;
const maxErrorText = 4000;
/** Allowed elapsed time per processor time, so that a busy machine does not fail an ordinary photo. */
const slack = 4;
/** Maximum milliseconds for a process to start, even on a busy machine. */
const startLimit = 120_000;
/** Milliseconds between two checks of the process's memory. */
const interval = 100;
/** Processes that wait for an image: enough for a pair or for a few photos. */
const maxSpares = 3;
/** Milliseconds without an image after which used processes are replaced. Their start would slow down a job. */
const rest = 3000;
/** Crashes of an image's process after which the image fails. The first crash may have another cause. */
const maxCrashes = 2;

const isSource = import.meta.url.endsWith(".ts");
const shell = "/bin/sh";

const refusalSchema = z.object({
  code: z.enum(errorCodes).refine(isApiErrorCode),
  message: z.string().max(2000),
});

/** The process ended without an image or an error for the caller. */
class DecoderCrashed extends Error {}

/**
 * Decodes each image in its own process, one at a time. Only the file that needs too much time or memory, or
 * crashes its process, fails.
 */
export class Decoder {
  readonly #options: Required<DecoderOptions>;
  readonly #spares = new Set<ChildProcess>();
  #refill: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ memory = 2 * 2 ** 30, ...options }: DecoderOptions) {
    this.#options = { ...options, memory };
  }

  readonly normalize: Normalize = (file, subject, signal) => {
    const turn = this.#last.then(() => decode(() => this.#take(), this.#options, file, subject, signal));
    this.#last = turn.catch(() => undefined);
    return turn;
  };

  /** Starts processes for the next images, which then need not wait for the start, and replaces used ones. */
  prepare(): void {
    if (this.#refill) return;
    this.#refill = setTimeout(() => this.#fill(), rest).unref();
    this.#fill();
  }

  /** Ends the processes that wait for an image. */
  stop(): void {
    clearTimeout(this.#refill);
    for (const spare of this.#spares) spare.kill("SIGKILL");
  }

  #fill(): void {
    while (this.#spares.size < maxSpares) {
      const spare = start(this.#options);
      this.#spares.add(spare);
      for (const event of ["error", "exit"]) spare.once(event, () => this.#spares.delete(spare));
    }
  }

  #take(): ChildProcess {
    const [spare] = this.#spares;
    if (!spare) return start(this.#options);
    this.#spares.delete(spare);
    this.#refill?.refresh();
    return spare;
  }
}

async function decode(
  take: () => ChildProcess,
  options: Required<DecoderOptions>,
  file: Uint8Array,
  subject: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let crashes = 1; ; crashes++) {
    try {
      return await decodeOnce(take, options, file, subject, signal);
    } catch (error) {
      if (!(error instanceof DecoderCrashed)) throw error;
      if (crashes === maxCrashes)
        throw new VisibleError(
          "unprocessable",
          `${subject} crashed its decoder ${crashes} times (${error.message}); save it again as JPEG or PNG.`,
          { cause: error },
        );
    }
  }
}

/** @throws VisibleError; DecoderCrashed; RetryableError if it does not start; `signal.reason` on abort */
async function decodeOnce(
  take: () => ChildProcess,
  { seconds, memory }: Required<DecoderOptions>,
  file: Uint8Array,
  subject: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const child = take();
  const output: Buffer[] = [];
  let size = 0;
  let errorText = "";
  let reason: unknown;
  const end = (error: unknown) => {
    reason ??= error;
    child.kill("SIGKILL");
  };
  const abort = () => end(signal.reason);
  const tooMuch = (what: string) =>
    new VisibleError(
      "image_too_complex",
      `${subject} takes more than ${what} to decode; save it again as a smaller JPEG or PNG.`,
    );
  let timer = setTimeout(
    () => end(new RetryableError(`a decoder did not start within ${startLimit / 1000} s`)),
    startLimit,
  );
  const watch = setInterval(async () => {
    const used = await residentMemory(child.pid);
    if (used > memory) end(tooMuch(`${showBytes(memory)} of memory`));
  }, interval);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const exit = await new Promise<string>((resolve, reject) => {
      child.once("error", (cause) => reject(new RetryableError("a decoder cannot be started", { cause })));
      child.once("close", (code, by) => resolve(by ?? `code ${code}`));
      child.stdout?.on("data", (chunk: Buffer) => {
        if (size === 0) {
          clearTimeout(timer);
          timer = setTimeout(() => end(tooMuch(`${seconds * slack} s`)), seconds * slack * 1000);
        }
        size += chunk.length;
        if (size > maxOutput) end(new DecoderCrashed(`more than ${showBytes(maxOutput)} of output`));
        else output.push(chunk);
      });
      child.stderr?.on("data", (chunk: Buffer) => {
        errorText = `${errorText}${chunk}`.slice(-maxErrorText);
      });
      // The process may end before it has read the file. `close` reports the reason.
      child.stdin?.on("error", () => undefined).write(`${subject}\n`);
      child.stdin?.end(file);
    });
    if (reason !== undefined) throw reason;
    const result = Buffer.concat(output).subarray(decoderStarted.length);
    if (exit === "code 0") return result;
    if (exit === `code ${refusedByDecoder}`) {
      const refusal = refusalSchema.safeParse(parseJson(result.toString()));
      if (refusal.success) throw new VisibleError(refusal.data.code, refusal.data.message);
    }
    if (exit === `code ${outOfMemory}`) throw tooMuch(`${showBytes(memory)} of memory`);
    if (exit === "SIGXCPU") throw tooMuch(`${seconds} s of processor time`);
    const cause = new Error(errorText);
    if (size === 0)
      throw new RetryableError(`a decoder ended before it started to decode (${exit})`, { cause });
    throw new DecoderCrashed(exit, { cause });
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener("abort", abort);
  }
}

function start({ environment, ...limits }: Required<DecoderOptions>): ChildProcess {
  const program = [
    process.execPath,
    ...(isSource ? ["--import", import.meta.resolve("tsx")] : []),
    fileURLToPath(new URL(isSource ? "decoder-child.ts" : "decoder-child.mjs", import.meta.url)),
  ];
  const [command = "", ...words] = existsSync(shell) ? [shell, "-c", limitsOf(limits), ...program] : program;
  return spawn(command, words, {
    env: computingEnvironment(environment),
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/**
 * Limits enforced by the system. The limit of processor time of all threads also ends a decoder whose worker
 * has crashed. The limit of writable memory covers the time between two memory checks; macOS does not enforce
 * it. (A limit of address space would also count the ranges that V8 reserves.)
 */
const limitsOf = ({ seconds, memory }: { readonly seconds: number; readonly memory: number }): string =>
  [
    "ulimit -c 0",
    `ulimit -H -t ${Math.ceil(seconds) + 10}`,
    `ulimit -S -t ${Math.ceil(seconds)}`,
    `ulimit -d ${Math.ceil((memory * 1.5) / 1024)}`,
    'exec "$0" "$@"',
  ].join("; ");

/** Bytes of physical memory of a process; 0 if unknown. */
async function residentMemory(pid: number | undefined): Promise<number> {
  if (pid === undefined || process.platform === "win32") return 0;
  try {
    const kilobytes =
      process.platform === "linux"
        ? /^VmRSS:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]
        : (await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)])).stdout;
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    // It has ended.
    return 0;
  }
}
