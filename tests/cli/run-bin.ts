import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const bin = fileURLToPath(new URL("../../cli/bin.js", import.meta.url));
export const tinyModel = fileURLToPath(new URL("../fixtures/tiny-mini", import.meta.url));

export interface BinResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BinOptions {
  readonly cwd: string;
  /** Sends SIGINT as soon as stderr matches. */
  readonly interruptAt?: RegExp;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the real `visii` in a process of its own. */
export function runBin(args: readonly string[], { cwd, interruptAt, env }: BinOptions): Promise<BinResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...process.env, ...env } });
    let [stdout, stderr, interrupted] = ["", "", false];
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
      if (interrupted || !interruptAt?.test(stderr)) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The object that `--json` promises as the last line of stdout. */
export function lastJson(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
}
