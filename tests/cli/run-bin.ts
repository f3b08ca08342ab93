import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = join(root, "cli", "bin.js");
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

/** Runs the real `visii` in a separate process. */
export const runBin = (args: readonly string[], options: BinOptions): Promise<BinResult> =>
  runNode([bin, ...args], options);

/** Runs `npm run research` in a separate process, in any folder. */
export const runResearch = (args: readonly string[], { env, ...options }: BinOptions): Promise<BinResult> =>
  runNode(["--import", import.meta.resolve("tsx"), join(root, "research", "main.ts"), ...args], {
    ...options,
    env: { ...env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") },
  });

function runNode(words: readonly string[], { cwd, interruptAt, env }: BinOptions): Promise<BinResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { cwd, env: { ...process.env, ...env } });
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

/** Parses the object that `--json` prints as the last line of stdout. */
export function lastJson(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
}
