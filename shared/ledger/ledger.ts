import { defined } from "../defined.ts";
import { InternalError, VisibleError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { toIso } from "../ports/clock.ts";
import type { NewRow, Table, Write } from "../ports/table.ts";
import type { Usage } from "../resources/fields.ts";
import { parseRow, rowKeys } from "../rows.ts";
import type { Spender } from "../spender.ts";
import { countBytes, readTotals, requireStorage, reserveBytes, type StorageNeed } from "../totals.ts";
import {
  type Balance,
  balanceSchema,
  chargeRow,
  type JobClass,
  type LedgerEntry,
  ledgerEntrySchema,
  releasing,
  reserving,
  storedReservationSchema,
} from "./balance.ts";
import {
  newSpending,
  type Spending,
  settleSpending,
  spend,
  spendingKey,
  spendingSchema,
} from "./spending.ts";

/** Limit of open jobs of a class. */
interface OpenLimit {
  readonly class: JobClass;
  readonly max: number;
}

/**
 * The accounts' credits. They are reserved when a job is accepted; when it ends, the measured work is charged
 * and the rest is released. Each operation writes the balance and a row that records it in one transaction,
 * so retries have no further effect.
 */
export class Ledger {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Opens an account's balance with initial credits. Idempotent. */
  async open(account: string, credits: number): Promise<void> {
    const data: Balance = { account, available: credits, reserved: 0, open: { interactive: 0, bulk: 0 } };
    await this.#table.transact([
      { insert: { ...rowKeys.balance(account), data } },
      { insert: this.#grantRow(account, account, credits) },
    ]);
  }

  /** Grants credits, once per reference (such as a payment ID). Resolves with the available credits. */
  async grant(account: string, reference: string, credits: number): Promise<number> {
    await this.#table.transact([
      { insert: this.#grantRow(account, reference, credits) },
      { amend: rowKeys.balance(account), amendment: { add: [[["available"], credits]] }, tests: [] },
    ]);
    const balance = await this.balance(account);
    if (!balance) throw new InternalError(`the account ${account} has no balance`);
    return balance.available;
  }

  async balance(account: string): Promise<Balance | undefined> {
    const row = await this.#table.get(rowKeys.balance(account));
    return row && parseRow(balanceSchema, row).data;
  }

  /**
   * Reserves credits for a job and stores its rows in one transaction. Does nothing if the job already has a
   * row or a reservation.
   *
   * @param rows of the job, its own first; a caller without any must settle the reservation
   * @param spender a key whose limit the job counts towards
   * @param storage reserved for the job's results
   * @throws VisibleError `insufficient_credit`, `too_many_jobs` if `limit.max` jobs of its class are open,
   * `spend_limit_reached` or `storage_full`
   */
  async reserve(
    account: string,
    job: string,
    credits: number,
    limit: OpenLimit,
    rows: readonly NewRow[] = [],
    spender?: Spender,
    storage?: StorageNeed,
  ): Promise<void> {
    const key = rowKeys.reservation(account, job);
    const writes = [
      { insert: { ...key, data: { credits, class: limit.class, at: this.#now(), ...defined({ spender }) } } },
      reserving(account, { credits, class: limit.class, jobs: 1 }, limit.max),
      ...rows.map((row) => ({ insert: row })),
      ...(spender ? [spend(account, spender, credits)] : []),
      ...(storage ? [reserveBytes(account, storage)] : []),
    ];
    while ((await this.#table.transact(writes)) === "conflict") {
      // Already reserved: this is a retry, or the response to the write was lost.
      if ((await this.#table.get(key)) || (rows[0] && (await this.#table.get(rows[0])))) return;
      this.requireCovered(await this.balance(account), { credits, class: limit.class, jobs: 1 }, limit.max);
      if (spender) await this.#requireWithinLimit(account, spender, credits);
      if (storage) requireStorage(await readTotals(this.#table, account), storage);
    }
  }

  /** Resolves with the spender's spending, or undefined before its first reservation. */
  async spending(account: string, spender: Omit<Spender, "limit">): Promise<Spending | undefined> {
    const row = await this.#table.get(spendingKey(account, spender));
    return row && parseRow(spendingSchema, row).data;
  }

  /** Resolves with the remaining credits of the spender's limit; Infinity without a spender. */
  async remaining(account: string, spender: Spender | undefined): Promise<number> {
    if (!spender) return Number.POSITIVE_INFINITY;
    return spender.limit - ((await this.spending(account, spender))?.used ?? 0);
  }

  /** Creates the spender's row, to which `spend` adds, unless it exists. */
  async openSpending(account: string, spender: Spender): Promise<void> {
    await this.#table.insert(newSpending(account, spender, this.#clock.now()));
  }

  async #requireWithinLimit(account: string, spender: Spender, credits: number): Promise<void> {
    await this.openSpending(account, spender);
    const left = await this.remaining(account, spender);
    if (credits > left)
      throw new VisibleError(
        "spend_limit_reached",
        `The request requires ${credits} credits, but the API key has ${left} left of its limit of ${spender.limit} for ${spender.month}; use another key or wait for the next month.`,
      );
  }

  /** @throws VisibleError as `reserve`, unless the balance covers the credits now */
  requireCovered(
    balance: Balance | undefined,
    { credits, class: jobClass, jobs }: Parameters<typeof reserving>[1],
    max: number,
  ): void {
    const open = balance?.open[jobClass] ?? 0;
    if (open + jobs > max)
      throw new VisibleError(
        "too_many_jobs",
        `The account has ${open} open ${jobClass} jobs and its limit is ${max}; wait until one has ended.`,
      );
    if (!balance || balance.available < credits)
      throw new VisibleError(
        "insufficient_credit",
        `The request requires ${credits} credits, but the balance is ${balance?.available ?? 0}; add credit or request less.`,
      );
  }

  /**
   * Returns the writes that charge `usage` and release the rest of the reservation. Without usage, they release
   * all of it. The charge never exceeds the reservation. They must be written in one transaction, which deletes
   * the reservation and therefore charges once. Empty if the job has no reservation.
   *
   * @param bytes change of the account's stored bytes
   */
  async settling(
    account: string,
    job: string,
    usage: Usage | undefined,
    bytes = 0,
  ): Promise<readonly Write[]> {
    const key = rowKeys.reservation(account, job);
    const row = await this.#table.get(key);
    if (!row) return [];
    const { spender, ...reservation } = parseRow(storedReservationSchema, row).data;
    const credits = Math.min(reservation.credits, usage?.credits ?? 0);
    if (bytes) await readTotals(this.#table, account);
    const isLimited = spender !== undefined && (await this.spending(account, spender)) !== undefined;
    const charge = { at: this.#now(), credits: -credits, job };
    return [
      { delete: key },
      releasing(account, { ...reservation, jobs: 1 }, credits),
      ...(usage ? [{ insert: chargeRow(account, { ...charge, usage: { ...usage, credits } }, job) }] : []),
      ...(bytes ? [countBytes(account, bytes)] : []),
      ...(isLimited ? [settleSpending(account, spender, reservation.credits, credits)] : []),
    ];
  }

  /**
   * Reads at most `limit` charges from `from` to `to`, exclusive, oldest first.
   *
   * @param from in the format of `toIso`, like `to`
   */
  async charges(account: string, from: string, to: string, limit: number): Promise<readonly LedgerEntry[]> {
    const { pk } = rowKeys.ledger(account, "");
    // A charge's sort key is its time and a suffix, so a charge at `from` sorts after `from` and one at `to`
    // after `to`.
    const rows = await this.#table.query(pk, { after: from, until: to, limit });
    return rows.map((row) => parseRow(ledgerEntrySchema, row).data);
  }

  #grantRow(account: string, reference: string, credits: number): NewRow {
    const data: LedgerEntry = { at: this.#now(), kind: "grant", credits };
    return { ...rowKeys.ledger(account, `grant#${reference}`), data };
  }

  #now(): string {
    return toIso(this.#clock.now());
  }
}
