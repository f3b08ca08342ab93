import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import { hasChecksum } from "./checksum.ts";

/** File name of a complete pull's record: the source and checksum of each file. */
const recordName = ".visii-pull.json";

const recordSchema = z.object({
  name: z.string(),
  revision: z.string(),
  commit: z.string(),
  endpoint: z.string(),
  variant: z.string().optional(),
  files: z.array(
    z.object({
      /** Relative to the model folder. */
      path: z.string(),
      size: z.number().int().nonnegative(),
      algorithm: z.enum(["sha256", "git-sha1"]),
      hex: z.string(),
      /** `owner/name@commit`. */
      from: z.string(),
    }),
  ),
});
export type PullRecord = z.infer<typeof recordSchema>;

/** The folder's record; undefined if no pull into it was completed. */
export async function readPullRecord(folder: string): Promise<PullRecord | undefined> {
  const path = join(folder, recordName);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new VisibleError(
      "unsound_record",
      `${path} is not a valid pull record; delete it and pull again.`,
      {
        cause,
      },
    );
  }
}

export async function writePullRecord(folder: string, record: PullRecord): Promise<void> {
  await writeAtomically(join(folder, recordName), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Deletes the record, so that the next pull verifies every file by content. */
export async function forgetPull(folder: string): Promise<void> {
  await rm(join(folder, recordName), { force: true });
}

interface Fault {
  readonly path: string;
  readonly fault: "missing" | "wrong size" | "wrong content";
}

/** Verifies every file of a pulled model against the Hub's checksums. */
export async function verifyFiles(
  folder: string,
  { files }: PullRecord,
  {
    signal,
    onBytes,
  }: { readonly signal: AbortSignal; readonly onBytes: (path: string, count: number) => void },
): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const { path, size, algorithm, hex } of files) {
    signal.throwIfAborted();
    const found = await stat(join(folder, path)).catch(() => undefined);
    if (!found?.isFile()) faults.push({ path, fault: "missing" });
    else if (found.size !== size) faults.push({ path, fault: "wrong size" });
    else if (!(await hasChecksum(join(folder, path), size, { algorithm, hex }, signal)))
      faults.push({ path, fault: "wrong content" });
    onBytes(path, size);
  }
  return faults;
}
