import { InternalError, VisibleError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { toIso } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import type { Usage } from "../resources/fields.ts";
import { parseRow, rowKeys, updateRow } from "../rows.ts";
import {
  type Balance,
  balanceSchema,
  grant,
  type LedgerEntry,
  ledgerEntrySchema,
  reserve,
  settle,
} from "./balance.ts";

/** Seconds after which the sweeper looks whether an open reservation still has a job. */
const openCheck = 300;
/** Seconds after which it finishes what a crash left in the outbox. */
const outboxCheck = 30;
/** Entries in the outbox at which it is emptied at once: a write of the row takes them all along. */
const fullOutbox = 25;

/** Money: reserved on accept, settled by measured work on success, released on failure or cancel. Each once. */
export class Ledger {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Opens an account's balance with its first credits. Once; a second time changes nothing. */
  async open(account: string, credits: number): Promise<void> {
    const empty: Balance = { account, available: 0, open: {}, outbox: [] };
    const row = this.#row(grant(empty, account, credits, this.#now()));
    await this.#table.insert({ ...rowKeys.balance(account), ...row });
    await this.flush(account);
  }

  /** Adds credit, once for each reference; resolves with what is available then. */
  async grant(account: string, reference: string, credits: number): Promise<number> {
    const balance = await this.#move(account, (balance) => grant(balance, reference, credits, this.#now()));
    if (!balance) throw new InternalError(`the account ${account} has no balance`);
    await this.flush(account);
    return balance.available;
  }

  async balance(account: string): Promise<Balance | undefined> {
    const row = await this.#table.get(rowKeys.balance(account));
    return row && parseRow(balanceSchema, row).data;
  }

  /** @throws VisibleError `insufficient_credit` */
  async reserve(account: string, job: string, credits: number): Promise<void> {
    let refused: Balance | undefined;
    const found = await this.#move(account, (balance) => {
      const moved = reserve(balance, job, credits, this.#now());
      refused = moved === "no credit" ? balance : undefined;
      return moved === "no credit" ? balance : moved;
    });
    if (refused || !found)
      throw new VisibleError(
        "insufficient_credit",
        `This needs ${credits} credits and ${refused?.available ?? 0} are left; add credit or ask for less.`,
      );
    await this.#flushWhenFull(found);
  }

  /** With usage: charges what it cost. Without: gives all back. */
  async settle(account: string, job: string, usage: Usage | undefined): Promise<void> {
    const balance = await this.#move(account, (balance) => settle(balance, job, usage, this.#now()));
    await this.#flushWhenFull(balance);
  }

  /** Writes what waits in the outbox to the ledger, then empties it. Safe to repeat, and to die in the middle of. */
  async flush(account: string): Promise<void> {
    const waiting = (await this.balance(account))?.outbox ?? [];
    for (const entry of waiting)
      await this.#table.insert({ ...rowKeys.ledger(account, `${entry.at}#${entry.id}`), data: entry });
    const written = new Set(waiting.map(({ id }) => id));
    if (written.size)
      await this.#move(account, (balance) => ({
        ...balance,
        outbox: balance.outbox.filter(({ id }) => !written.has(id)),
      }));
  }

  /** Was looked at now; next time later. */
  async postpone(account: string): Promise<void> {
    await this.#move(account, (balance) => ({ ...balance }));
  }

  /** Entries from one ISO time up to, not including, another; at most `limit`, the oldest first. */
  async entries(account: string, from: string, to: string, limit: number): Promise<readonly LedgerEntry[]> {
    await this.flush(account);
    const { pk } = rowKeys.ledger(account, "");
    const rows = await this.#table.query(pk, { after: from, limit });
    return rows.map((row) => parseRow(ledgerEntrySchema, row).data).filter(({ at }) => at >= from && at < to);
  }

  /** Entries may wait for the sweeper; so many that the row grows heavy may not. */
  async #flushWhenFull(balance: Balance | undefined): Promise<void> {
    if (balance && balance.outbox.length >= fullOutbox) await this.flush(balance.account);
  }

  async #move(account: string, change: (balance: Balance) => Balance): Promise<Balance | undefined> {
    const stored = await updateRow(this.#table, rowKeys.balance(account), balanceSchema, (balance) => {
      const moved = change(balance);
      return moved === balance ? undefined : this.#row(moved);
    });
    return stored?.data;
  }

  #row(balance: Balance) {
    const wait = balance.outbox.length
      ? outboxCheck
      : Object.keys(balance.open).length
        ? openCheck
        : undefined;
    const due = wait === undefined ? {} : { due: toIso(this.#clock.now() + wait * 1000) };
    return { data: balance, ...due };
  }

  #now(): string {
    return toIso(this.#clock.now());
  }
}
