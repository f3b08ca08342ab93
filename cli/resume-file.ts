import { readFile, rm, stat } from "node:fs/promises";
import { VisibleError } from "visii-engine/errors";

/** Where an unfinished run of `out` keeps its state. */
export const resumePath = (out: string): string => `${out}.resume`;

/** The state to go on from. VisibleError when there is none. */
export async function readResumeState(out: string): Promise<Uint8Array> {
  const path = resumePath(out);
  try {
    // A plain Uint8Array: a Buffer's slice() is a view and not a copy, which readers of bytes may not expect.
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    const done = await stat(out).catch(() => undefined);
    throw new VisibleError(
      "nothing_to_resume",
      done
        ? `There is nothing to resume: ${out} is finished; run without --resume to learn it anew.`
        : `There is nothing to resume: no ${path}; run without --resume to start.`,
      { cause },
    );
  }
}

export async function hasResumeState(out: string): Promise<boolean> {
  return (await stat(resumePath(out)).catch(() => undefined)) !== undefined;
}

export async function removeResumeState(out: string): Promise<void> {
  await rm(resumePath(out), { force: true });
}
