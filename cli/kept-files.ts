import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";

/** Path to which `learn --keep-every` writes the instruction of a step: `dusk.visii` → `dusk@50.visii`. */
export function keptPath(out: string, step: number): string {
  const extension = extname(out);
  return join(dirname(out), `${basename(out, extension)}@${step}${extension}`);
}

/** Finds the files that `learn --keep-every` wrote beside `out`, by step. */
export async function keptFiles(out: string): Promise<string[]> {
  const extension = extname(out);
  const start = `${basename(out, extension)}@`;
  const steps = (await readdir(dirname(out))).flatMap((name) => {
    const step = name.slice(start.length, name.length - extension.length);
    return name.startsWith(start) && name.endsWith(extension) && /^[1-9]\d*$/.test(step)
      ? [Number(step)]
      : [];
  });
  return steps.sort((a, b) => a - b).map((step) => keptPath(out, step));
}
