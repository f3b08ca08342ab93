import { z } from "zod";
import type { ErasurePorts } from "../../shared/erasure/erase.ts";
import { eraseAccount } from "../../shared/erasure/erase-account.ts";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { DueRow } from "../../shared/ports/table.ts";
import { parseRow } from "../../shared/rows.ts";
import { firstPass } from "./delete-late-objects.ts";

const erasureSchema = z.object({
  account: z.string(),
  /** How often everything has been erased. */
  times: z.number().int(),
});

/**
 * Erases a closed account, and again later when no job of it can still be running. If interrupted, it is due
 * again.
 */
export async function eraseClosedAccount(
  ports: ErasurePorts & { readonly clock: Clock },
  key: DueRow,
): Promise<void> {
  const row = await ports.table.get(key);
  if (!row) return;
  const { data, version } = parseRow(erasureSchema, row);
  await eraseAccount(ports, data.account);
  const { pk, sk } = key;
  if (data.times > 0) await ports.table.delete({ pk, sk });
  else {
    const due = toIso(ports.clock.now() + firstPass);
    await ports.table.replace({ pk, sk, data: { ...data, times: 1 }, due }, version);
  }
}
