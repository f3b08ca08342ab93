import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readModelFolder } from "../../engine/pipeline/model-folder.ts";

/** Measurements of one process's start. Times are CPU seconds. */
export interface StartedProcess {
  /** In order, to the end of the first step. */
  readonly parts: Readonly<Record<string, number>>;
  /** Wall-clock seconds from the process start to the start of the first step. */
  readonly clock: number;
  /** The parts of planning, measured again. */
  readonly apart: Readonly<Record<string, number>>;
  /** Bits of the first step's loss and gradient. */
  readonly bits: string;
  readonly peakBytes: number;
  readonly notes: readonly string[];
}

const repeats = 3;

const words: Readonly<Record<string, string>> = {
  program: "loading the program",
  open: "opening the model, hashing its weights",
  plan: "planning: graphs written, differentiated, rewritten",
  create: "creating the session",
  first: "the first step",
};

/**
 * From process start to the end of the first learning step at 512 px: without a cache, when the cache is
 * first written, and with a cache. Reported in CPU time, which does not depend on other load; the total also
 * in wall-clock time.
 */
export async function benchStart(folder: string, scratch: string, say: (line: string) => void) {
  const cache = join(scratch, "cache");
  const first = await startApart(folder, cache);
  // A new file's digest is trusted only after a delay, so the next start reads the file and later ones do
  // not.
  await wait(2500);
  await startApart(folder, cache);
  const [without, kept, reading]: [StartedProcess[], StartedProcess[], Reading[]] = [[], [], []];
  for (let i = 0; i < repeats; i++) {
    without.push(await startApart(folder));
    kept.push(await startApart(folder, cache));
    reading.push(await readOnce(folder));
  }
  const all = [first, ...without, ...kept];
  const notes = all.flatMap((each) => each.notes);
  const sameBits = all.every(({ bits }) => bits === first.bits);

  const column = (runs: readonly StartedProcess[], name: string) =>
    median(runs.map(({ parts }) => parts[name]!));
  const total = ({ parts }: StartedProcess) => Object.values(parts).reduce((sum, part) => sum + part, 0);
  const beforeStep = (each: StartedProcess) => total(each) - each.parts.first!;
  say("from process start to the end of the first step at 512 px, seconds of processor time:");
  say(`  ${"".padEnd(54)}${["no cache", "cache written", "cache read"].map((x) => x.padStart(14)).join("")}`);
  const line = (what: string, figures: readonly number[]) =>
    say(`  ${what.padEnd(54)}${figures.map((x) => x.toFixed(2).padStart(14)).join("")}`);
  for (const [name, what] of Object.entries(words))
    line(what, [column(without, name), first.parts[name]!, column(kept, name)]);
  const [slow, fast] = [median(without.map(beforeStep)), median(kept.map(beforeStep))];
  line("all but the step", [slow, beforeStep(first), fast]);
  const elapsed = (runs: readonly StartedProcess[]) => median(runs.map(({ clock }) => clock));
  line("the same by the clock", [elapsed(without), first.clock, elapsed(kept)]);
  const read = (name: keyof Reading) => median(reading.map((each) => each[name])).toFixed(2);
  say(
    `  ratio ${(fast / slow).toFixed(2)}, ${(elapsed(kept) / elapsed(without)).toFixed(2)} by wall clock; ` +
      `reading the UNet's and the text encoder's weights once: ${read("processor")}, ${read("clock")} by the clock`,
  );
  for (const [name, seconds] of Object.entries(first.apart))
    say(`  of planning, ${name}: ${seconds.toFixed(2)}`);
  const gigabytes = (runs: readonly StartedProcess[]) =>
    median(runs.map((x) => x.peakBytes / 1e9)).toFixed(1);
  say(`  peak memory ${gigabytes(without)} GB, ${gigabytes(kept)} GB with the cache, mapped pages included`);
  say(
    `  loss and gradient have ${sameBits ? "the same bits" : "DIFFERENT BITS"} in all ${all.length} starts`,
  );
  for (const note of notes) say(`  NOTED: ${note}`);
  return { without, first, kept, reading, sameBits };
}

/** Measures a start in its own process. */
async function startApart(folder: string, cache?: string): Promise<StartedProcess> {
  const script = fileURLToPath(new URL("./full-size-start-run.mts", import.meta.url));
  const options = ["--import", "tsx", script, folder, ...(cache ? [cache] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, options, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as StartedProcess;
}

/** In seconds. */
interface Reading {
  readonly processor: number;
  readonly clock: number;
}

/** Reads the weights that learning needs, without using them. */
async function readOnce(folder: string): Promise<Reading> {
  const { unet, text } = await readModelFolder(folder, { identify: async () => "" });
  const [before, began] = [process.cpuUsage(), performance.now()];
  for (const { path } of [unet, text].flatMap(({ component }) => component.checkpoint.files))
    for await (const _ of createReadStream(path, { highWaterMark: 2 ** 20 }));
  const { user, system } = process.cpuUsage(before);
  return { processor: (user + system) / 1e6, clock: (performance.now() - began) / 1000 };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
