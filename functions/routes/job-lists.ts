import { defined } from "../../shared/defined.ts";
import type { Job } from "../../shared/jobs/job.ts";
import type { Edge } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { decodeCursor, encodeCursor } from "./route-parts.ts";

/** Maximum rows read for one page. If few rows match, a page is short although there is a next one. */
const maxRead = 1000;
const portion = 100;

/** Returns a page of an account's jobs of one kind for which `matches` returns true, newest first. */
export async function listJobs(
  { table, jobs }: Edge,
  account: string,
  prefix: "ins#" | "edt#",
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  matches: (job: Job) => boolean,
): Promise<{ readonly items: readonly Job[]; readonly next?: string }> {
  let after = cursor === undefined ? undefined : decodeCursor(cursor);
  if (after !== undefined && !/^(ins|edt)#\w{1,40}$/.test(after))
    throw refuse("invalid_cursor", "The cursor is invalid; use a `next_cursor` of this list.");
  if (after !== undefined && !after.startsWith(prefix))
    throw refuse("invalid_cursor", "The cursor belongs to another list; use a `next_cursor` of this list.");
  const items: Job[] = [];
  for (let read = 0; read < maxRead; read += portion) {
    const rows = await table.query(account, {
      prefix,
      limit: portion,
      newestFirst: true,
      ...defined({ after }),
    });
    const found = await jobs.present(rows);
    for (const [index, job] of found.entries()) {
      if (matches(job)) items.push(job);
      after = rows[index]?.sk;
      if (items.length === limit)
        return { items, ...(after === undefined ? {} : { next: encodeCursor(after) }) };
    }
    if (rows.length < portion) return { items };
  }
  return { items, ...(after === undefined ? {} : { next: encodeCursor(after) }) };
}
