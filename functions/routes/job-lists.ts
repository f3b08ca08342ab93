import { type Job, jobSchema } from "../../shared/jobs/job.ts";
import { parseRow } from "../../shared/rows.ts";
import type { Edge } from "../edge.ts";
import { refuse } from "../problem-answers.ts";
import { decodeCursor, encodeCursor } from "./route-parts.ts";

/** A page of an account's jobs of one kind, the newest first. */
export async function listJobs(
  { table }: Edge,
  account: string,
  prefix: "ins#" | "edt#",
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ readonly jobs: readonly Job[]; readonly next?: string }> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  if (after !== undefined && !/^(ins|edt)#\w{1,40}$/.test(after))
    throw refuse("invalid_cursor", "Take cursors from next_cursor.");
  if (after !== undefined && !after.startsWith(prefix))
    throw refuse("invalid_cursor", "The cursor is another list's.");
  const rows = await table.query(account, {
    ...{ prefix, limit, newestFirst: true },
    ...(after === undefined ? {} : { after }),
  });
  const last = rows.at(-1);
  return {
    jobs: rows.map((row) => parseRow(jobSchema, row).data),
    ...(last && rows.length === limit ? { next: encodeCursor(last.sk) } : {}),
  };
}
