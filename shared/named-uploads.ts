import { z } from "zod";
import type { RandomBytes } from "./ports/clock.ts";
import type { Table, Write } from "./ports/table.ts";
import type { Upload } from "./resources/upload.ts";
import { parseRow, rowKeys } from "./rows.ts";
import { readTotals } from "./totals.ts";

const namedUploadSchema = z.object({ upload: z.string(), name: z.string() });
type NamedUpload = z.infer<typeof namedUploadSchema>;

/** A range of positions: those after `after`, up to and including `until`. */
export interface Positions {
  readonly after: number;
  readonly until: number;
}

/** Rows read at once. */
const page = 1000;

/**
 * Writes a completed upload's row. A named upload also gets the next position among the account's named
 * uploads, in the same transaction. The order of positions is therefore the order in which uploads become
 * visible, without gaps: a reader that has read up to a position has missed nothing before it.
 *
 * @param write inserts or replaces the upload's row with the data it is given
 * @param expires Unix seconds
 * @returns `"conflict"` if another process wrote the row or completed a named upload; read again and repeat
 */
export async function writeCompleted(
  { table }: { readonly table: Table },
  account: string,
  { id, name }: Pick<Upload, "id" | "name">,
  expires: number,
  write: (position: { readonly position?: number }) => Write,
): Promise<"written" | "conflict"> {
  if (name === undefined) return table.transact([write({})]);
  const { named } = await readTotals(table, account);
  const position = named + 1;
  const data: NamedUpload = { upload: id, name };
  return table.transact([
    write({ position }),
    {
      amend: rowKeys.totals(account),
      amendment: { add: [[["named"], 1]] },
      tests: [{ path: ["named"], equals: named }],
    },
    { insert: { ...rowKeys.namedUpload(account, position), data, expires } },
  ]);
}

/** Milliseconds to wait before `writeCompleted` is repeated: random, so that competing requests spread. */
export const competingWait = (random: RandomBytes): number => random(1)[0] ?? 0;

/** An account's named uploads in a range whose names start with `prefix`, in the order of completion. */
export async function* namedUploads(
  table: Table,
  account: string,
  { after, until }: Positions,
  prefix: string,
): AsyncGenerator<NamedUpload> {
  const { pk, sk: end } = rowKeys.namedUpload(account, until + 1);
  for (let start = rowKeys.namedUpload(account, after).sk; ; ) {
    const rows = await table.query(pk, { after: start, until: end, limit: page });
    for (const row of rows) {
      const { data } = parseRow(namedUploadSchema, row);
      if (data.name.startsWith(prefix)) yield data;
    }
    const last = rows.at(-1);
    if (!last || rows.length < page) return;
    start = last.sk;
  }
}
