import { readAccount } from "../../shared/accounts/account.ts";
import { batchPace } from "../../shared/batch-pace.ts";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import { type Balance, reserving } from "../../shared/ledger/balance.ts";
import { spend } from "../../shared/ledger/spending.ts";
import { editingCost } from "../../shared/prices.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import type { Stored } from "../../shared/rows.ts";
import { readTotals, storageLimit } from "../../shared/totals.ts";
import { pixelsOf } from "../uploads.ts";
import { readInput } from "./batch-input.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { lineImages } from "./line-images.ts";
import { failLine } from "./line-rows.ts";
import { saveBatch } from "./save-batch.ts";

const { window, linesPerPass } = batchPace;

/**
 * Reserves credits for the next lines in one transaction with the batch's row, which stores each line's cost.
 * A line that the balance does not cover gets cost 0, and `submitLines` fails it.
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
  const size = { ...request.options, instruction: request.instruction };
  const costs: number[] = [];
  for (const [index, image] of images.entries()) {
    const failed = image instanceof VisibleError;
    if (failed) await failLine(ports, batch, first + index, image, 0);
    costs.push(failed ? 0 : editingCost(size, pixelsOf(image)));
  }
  const { spender } = batch;
  if (spender && first === 0) await ports.ledger.openSpending(account, spender);
  const open = (opened: readonly number[], uncovered?: StoredBatch["uncovered"]) => {
    const jobs = opened.filter((cost) => cost > 0).length;
    const credits = opened.reduce((sum, cost) => sum + cost, 0);
    const next: StoredBatch = {
      ...batch,
      next_line: first + opened.length,
      costs: [...opened],
      ...defined({ uncovered }),
    };
    const reservation = { credits, class: "bulk", jobs } as const;
    return saveBatch(
      ports.table,
      next,
      version,
      busyUntil,
      jobs
        ? [reserving(account, reservation, window), ...(spender ? [spend(account, spender, credits)] : [])]
        : [],
    );
  };
  const [owner, totals] = await Promise.all([
    readAccount(ports.table, account),
    readTotals(ports.table, account),
  ]);
  if (totals.bytes >= storageLimit(owner))
    return open(
      costs.map(() => 0),
      "storage_full",
    );
  const opened = await open(costs);
  if (opened !== "conflict") return opened;
  // Charging ended lines first releases credits and open jobs.
  if (batch.uncharged) return "later";
  const balance = await ports.ledger.balance(account);
  if (!balance) return "later";
  const left = await ports.ledger.remaining(account, spender);
  const covered = coveredCosts(costs, balance, left);
  const uncovered = left < balance.available ? "spend_limit_reached" : "insufficient_credit";
  return covered.length ? open(covered, uncovered) : "later";
}

/**
 * Returns the costs of as many lines as the account may open, with 0 for lines that its credits do not cover.
 *
 * @param left remaining credits of the key's limit
 */
function coveredCosts(costs: readonly number[], { available, open }: Balance, left: number): number[] {
  const covered: number[] = [];
  let credits = Math.min(available, left);
  let slots = window - open.bulk;
  for (const cost of costs) {
    const isCovered = cost > 0 && cost <= credits;
    if (isCovered && slots <= 0) break;
    if (isCovered) {
      credits -= cost;
      slots--;
    }
    covered.push(isCovered ? cost : 0);
  }
  return covered;
}
