import { z } from "zod";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { DueRow, Table } from "../../shared/ports/table.ts";
import { parseRow } from "../../shared/rows.ts";

/**
 * Milliseconds after a deletion. Longer than a lease plus any call of a worker that has not seen the
 * deletion.
 */
export const firstPass = 15 * 60_000;
/** Milliseconds until the last pass, for a worker that lost its connection to the table. */
const lastPass = 24 * 3_600_000;

const lateObjectsSchema = z.object({
  /** Prefixes of keys, each ending in a slash. */
  folders: z.array(z.string().endsWith("/")),
  looks: z.number().int(),
});
export type LateObjects = z.infer<typeof lateObjectsSchema>;

/** Deletes objects that were stored after their job was deleted. */
export async function deleteLateObjects(
  { table, clock, objects }: { readonly table: Table; readonly clock: Clock; readonly objects: ObjectStore },
  key: DueRow,
): Promise<void> {
  const row = await table.get(key);
  if (!row) return;
  const { data, version } = parseRow(lateObjectsSchema, row);
  await deleteObjects(objects, data.folders);
  const { pk, sk } = key;
  if (data.looks > 0) await table.delete({ pk, sk });
  else {
    const due = toIso(clock.now() + lastPass);
    await table.replace({ pk, sk, data: { ...data, looks: 1 }, due }, version);
  }
}

/** Deletes all objects of some folders. */
export async function deleteObjects(objects: ObjectStore, folders: readonly string[]): Promise<void> {
  for (const folder of folders)
    for (;;) {
      const page = await objects.list(folder, 1000);
      await Promise.all(page.map(({ key }) => objects.delete(key)));
      if (page.length < 1000) break;
    }
}
