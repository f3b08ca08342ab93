import { readAccount } from "../../shared/accounts/account.ts";
import { defined } from "../../shared/defined.ts";
import { chargeRow, releasing } from "../../shared/ledger/balance.ts";
import { type MeterRow, meterKey } from "../../shared/ledger/meter-row.ts";
import { settleSpending } from "../../shared/ledger/spending.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Write } from "../../shared/ports/table.ts";
import {
  type StoredBatch,
  type StoredLine,
  storedLineSchema,
  type Uncharged,
} from "../../shared/resources/batch.ts";
import type { Usage } from "../../shared/resources/fields.ts";
import { parseRow, rowKeys, type Stored } from "../../shared/rows.ts";
import { countBytes, readTotals } from "../../shared/totals.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { saveBatch } from "./save-batch.ts";

/** Maximum lines counted in one pass. */
const maxLines = 500;

const noUsage: Usage = { compute_seconds: 0, steps: 0, images: 0, pixels: 0, credits: 0 };
const none: Uncharged = { jobs: 0, charged: 0, reserved: 0, usage: noUsage, bytes: 0 };

/** Counts ended lines, from the last counted one to the first that has not ended. Writes nothing. */
export async function countLines({ table }: BatchPorts, batch: StoredBatch): Promise<StoredBatch> {
  const counts = { ...batch.counts };
  let { settled, uncharged } = batch;
  const { pk } = rowKeys.batchLine(batch.id, 0);
  const after = settled > 0 ? { after: rowKeys.batchLine(batch.id, settled - 1).sk } : {};
  for (const row of await table.query(pk, { limit: maxLines, ...after })) {
    const line = parseRow(storedLineSchema, row).data;
    if (line.line !== settled) break;
    settled++;
    const { status } = line;
    if (status === "succeeded" || status === "failed" || status === "canceled") counts[status]++;
    if (line.reserved) uncharged = withLine(uncharged ?? none, line);
  }
  return { ...batch, counts, settled, ...defined({ uncharged }) };
}

function withLine({ jobs, charged, reserved, usage, bytes }: Uncharged, line: StoredLine): Uncharged {
  const add = (name: keyof Usage) => usage[name] + (line.usage?.[name] ?? 0);
  return {
    jobs: jobs + 1,
    charged: charged + (line.usage ? 1 : 0),
    reserved: reserved + line.reserved,
    bytes: bytes + (line.bytes ?? 0),
    usage: {
      compute_seconds: Math.round(add("compute_seconds") * 1000) / 1000,
      steps: add("steps"),
      images: add("images"),
      pixels: add("pixels"),
      credits: add("credits"),
    },
  };
}

/** Charges the counted lines in one charge and releases the rest of their reservation. */
export async function chargeLines(
  { table, clock, ledger }: BatchPorts,
  { data, version }: Stored<StoredBatch>,
  due: number,
): Promise<Stored<StoredBatch> | "conflict"> {
  const { uncharged, ...batch } = data;
  if (!uncharged) return { data, version };
  const { id, account, settled } = batch;
  const { usage, charged, jobs, reserved, bytes } = uncharged;
  const at = toIso(clock.now());
  const name = `${id}#${settled}`;
  const writes: Write[] = [releasing(account, { credits: reserved, class: "bulk", jobs }, usage.credits)];
  if (bytes) {
    await readTotals(table, account);
    writes.push(countBytes(account, bytes));
  }
  if (batch.spender && (await ledger.spending(account, batch.spender)))
    writes.push(settleSpending(account, batch.spender, reserved, usage.credits));
  if (charged) {
    const charge = { at, credits: -usage.credits, job: id, jobs: charged, usage };
    writes.push({ insert: chargeRow(account, charge, name) });
    const customer = (await readAccount(table, account))?.billing_customer;
    const meter: MeterRow | undefined =
      customer === undefined ? undefined : { job: name, customer, credits: usage.credits, at, attempts: 0 };
    if (meter?.credits) writes.push({ insert: { ...meterKey(account, name), data: meter, due: at } });
  }
  return saveBatch(table, batch, version, due, writes);
}
