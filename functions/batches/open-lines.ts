import { readAccount } from "../../shared/accounts/account.ts";
import { batchPace } from "../../shared/batch-pace.ts";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import { type Balance, reserving } from "../../shared/ledger/balance.ts";
import { spend } from "../../shared/ledger/spending.ts";
import { editingCost } from "../../shared/prices.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { maxResultBytes } from "../../shared/result-size.ts";
import type { Stored } from "../../shared/rows.ts";
import { readTotals, reserveBytes, storageLimit } from "../../shared/totals.ts";
import { pixelsOf } from "../uploads.ts";
import { readInput } from "./batch-input.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { lineImages } from "./line-images.ts";
import { failLine } from "./line-rows.ts";
import { saveBatch } from "./save-batch.ts";

const { window, linesPerPass } = batchPace;

/** A line to open. */
interface OpenLine {
  /** 0 if it will not be submitted. */
  readonly cost: number;
  /** Bytes that its results may take. */
  readonly bytes: number;
}
const unopened: OpenLine = { cost: 0, bytes: 0 };

/**
 * Reserves credits and storage for the next lines in one transaction with the batch's row, which stores those
 * of each. Lines that the balance or the storage does not cover get cost 0 and fail when they would be
 * submitted.
 *
 * @param busyUntil when another pass may take over, in milliseconds since 1970
 * @returns `"later"` if no line can be opened now
 */
export async function openLines(
  ports: BatchPorts,
  { data: batch, version }: Stored<StoredBatch>,
  busyUntil: number,
): Promise<Stored<StoredBatch> | "later" | "conflict"> {
  const { account, request, next_line: first, counts, settled } = batch;
  const until = Math.min(counts.total, settled + window, first + linesPerPass);
  if (until <= first) return "later";
  const lines = await readInput(ports.objects, batch, first, until);
  const images = await lineImages(ports, batch, first, lines);
  const options = { ...request.options, instruction: request.instruction };
  const wanted: OpenLine[] = [];
  for (const [index, image] of images.entries()) {
    const failed = image instanceof VisibleError;
    if (failed) await failLine(ports, batch, first + index, image, 0);
    wanted.push(
      failed
        ? unopened
        : { cost: editingCost(options, pixelsOf(image)), bytes: maxResultBytes(options, image) },
    );
  }
  const { spender } = batch;
  if (spender && first === 0) await ports.ledger.openSpending(account, spender);
  const limit = storageLimit(await readAccount(ports.table, account));
  const open = (opened: readonly OpenLine[], uncovered?: StoredBatch["uncovered"]) => {
    const jobs = opened.filter(({ cost }) => cost > 0).length;
    const credits = opened.reduce((sum, { cost }) => sum + cost, 0);
    const storage = opened.reduce((sum, { bytes }) => sum + bytes, 0);
    const next: StoredBatch = {
      ...batch,
      next_line: first + opened.length,
      costs: opened.map(({ cost }) => cost),
      result_bytes: opened.map(({ bytes }) => bytes),
      ...defined({ uncovered }),
    };
    const reservation = { credits, class: "bulk", jobs } as const;
    return saveBatch(
      ports.table,
      next,
      version,
      busyUntil,
      jobs
        ? [
            reserving(account, reservation, window),
            reserveBytes(account, { bytes: storage, limit }),
            ...(spender ? [spend(account, spender, credits)] : []),
          ]
        : [],
    );
  };
  const opened = await open(wanted);
  if (opened !== "conflict") return opened;
  // Charging ended lines first releases credits, storage and open jobs.
  if (batch.uncharged) return "later";
  const balance = await ports.ledger.balance(account);
  if (!balance) return "later";
  const left = await ports.ledger.remaining(account, spender);
  const { bytes: used } = await readTotals(ports.table, account);
  const { covered, uncovered } = coveredLines(wanted, balance, left, limit - used);
  return covered.length ? open(covered, uncovered) : "later";
}

/**
 * As many lines as the account may have open now; without cost those that its credits or its storage do not
 * cover, for one reason.
 *
 * @param left credits that are left of the key's limit
 * @param room bytes that are left of the account's storage
 */
function coveredLines(
  wanted: readonly OpenLine[],
  { available, open }: Balance,
  left: number,
  room: number,
): { readonly covered: readonly OpenLine[]; readonly uncovered?: StoredBatch["uncovered"] } {
  const covered: OpenLine[] = [];
  let uncovered: StoredBatch["uncovered"];
  let credits = Math.min(available, left);
  let bytes = room;
  let slots = window - open.bulk;
  for (const line of wanted) {
    const lacking =
      line.cost > credits
        ? left < available
          ? "spend_limit_reached"
          : "insufficient_credit"
        : line.bytes > bytes
          ? "storage_full"
          : undefined;
    if (line.cost && !lacking && slots <= 0) break;
    // Open edits reserve more than their results will take, so there may be room when they have ended.
    if (lacking === "storage_full" && (bytes < room || open.bulk + open.interactive > 0)) break;
    if (lacking && uncovered && lacking !== uncovered) break;
    uncovered ??= lacking;
    if (line.cost && !lacking) {
      credits -= line.cost;
      bytes -= line.bytes;
      slots--;
    }
    covered.push(lacking ? unopened : line);
  }
  return { covered, ...defined({ uncovered }) };
}
