import { readFile, rm, stat } from "node:fs/promises";
import { VisibleError } from "visii-engine/errors";

/** Path of the saved state of an interrupted run. */
export const resumePath = (out: string): string => `${out}.resume`;

/** Reads the saved state. @throws VisibleError `nothing_to_resume` */
export async function readResumeState(out: string): Promise<Uint8Array> {
  const path = resumePath(out);
  try {
    // Copy the Buffer: its slice() returns a view, while Uint8Array's returns a copy.
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    const done = await stat(out).catch(() => undefined);
    throw new VisibleError(
      "nothing_to_resume",
      done
        ? `Nothing to resume: ${out} is finished; run without --resume to learn it again.`
        : `Nothing to resume: ${path} does not exist; run without --resume to start.`,
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
