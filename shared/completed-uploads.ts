import { z } from "zod";
import { lifetimes } from "./object-keys.ts";
import { type RandomBytes, toIso } from "./ports/clock.ts";
import type { Table, Write } from "./ports/table.ts";
import type { Upload } from "./resources/upload.ts";
import { parseRow, rowKeys } from "./rows.ts";
import { hasRoom, readTotals, requireStorage, reserveBytes } from "./totals.ts";

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
 * Writes a completed upload's row and counts its bytes, in one transaction. In the same transaction, a named
 * upload gets the next position among the account's named uploads. Positions therefore have no gaps, and a
 * reader that has read up to a position has missed no earlier upload.
 *
 * @param write inserts or replaces the upload's row with the data it is given
 * @param limit the account's storage in bytes
 * @returns `"conflict"` if another process wrote the row or the totals; read again and repeat
 * @throws VisibleError `storage_full`
 */
export async function writeCompleted(
  { table }: { readonly table: Table },
  account: string,
  { id, name, bytes, expires_at = "" }: Upload,
  limit: number,
  write: (position: { readonly position?: number }) => Write,
): Promise<"written" | "conflict"> {
  const totals = await readTotals(table, account);
  requireStorage(totals, { bytes, limit });
  if (name === undefined) return table.transact([write({}), reserveBytes(account, { bytes, limit })]);
  const { named } = totals;
  const position = named + 1;
  const expires = Math.floor(Date.parse(expires_at) / 1000);
  const data: NamedUpload = { upload: id, name };
  return table.transact([
    write({ position }),
    {
      amend: rowKeys.totals(account),
      amendment: {
        add: [
          [["named"], 1],
          [["bytes"], bytes],
        ],
      },
      tests: [{ path: ["named"], equals: named }, hasRoom({ bytes, limit })],
    },
    { insert: { ...rowKeys.namedUpload(account, position), data, expires } },
  ]);
}

/** Seconds from a row's due time until DynamoDB deletes it. The sweeper deletes it earlier, with its file. */
const grace = 7 * 24 * 3600;

/** Times of a completed upload and of its row. @param now milliseconds since 1970 */
export function uploadTimes(now: number) {
  const end = now + lifetimes.input * 1000;
  return { expires_at: toIso(end), row: { due: toIso(end), expires: Math.floor(end / 1000) + grace } };
}

/** Random milliseconds to wait before repeating `writeCompleted`, so that competing requests spread out. */
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
