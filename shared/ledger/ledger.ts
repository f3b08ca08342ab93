import { InternalError, VisibleError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { toIso } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import type { Usage } from "../resources/fields.ts";
import { parseRow, rowKeys } from "../rows.ts";
import {
  type Balance,
  balanceSchema,
  grant,
  type LedgerEntry,
  ledgerEntrySchema,
  type Move,
  type OpenLimit,
  reservation,
  settlement,
} from "./balance.ts";

/** Seconds after which the sweeper looks whether an open reservation still has a job. */
const openCheck = 300;
/** Seconds after which it finishes what waits in the outbox. */
const outboxCheck = 30;
/** Entries in the outbox at which whoever settles empties it: a write of the row is paid by its size. */
const fullOutbox = 25;
/** Entries that are written at a time. */
const handful = 50;

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
    const at = this.#now();
    const entry: LedgerEntry = { id: `${account}#grant`, at, kind: "grant", credits };
    const outbox = { [entry.id]: entry };
    const data: Balance = {
      ...{ account, available: credits, open: {}, counts: { interactive: 0, bulk: 0 }, outbox },
      grants: { [account]: at },
    };
    await this.#table.insert({ ...rowKeys.balance(account), data, due: this.#in(outboxCheck) });
    await this.flush(account);
  }

  /** Adds credit, once for each reference; resolves with what is available then. */
  async grant(account: string, reference: string, credits: number): Promise<number> {
    await this.#move(account, grant(reference, credits, this.#now()));
    await this.flush(account);
    const balance = await this.balance(account);
    if (!balance) throw new InternalError(`the account ${account} has no balance`);
    return balance.available;
  }

  async balance(account: string): Promise<Balance | undefined> {
    const row = await this.#table.get(rowKeys.balance(account));
    return row && parseRow(balanceSchema, row).data;
  }

  /**
   * One write where it stands, so that many at once do not wait for each other.
   *
   * @throws VisibleError `insufficient_credit`, or `too_many_jobs` when `limit.most` jobs of its class are open
   */
  async reserve(account: string, job: string, credits: number, limit: OpenLimit): Promise<void> {
    for (;;) {
      if (await this.#move(account, reservation(job, credits, this.#now(), limit))) return;
      const balance = await this.balance(account);
      // Done before: this is a second try, or only the answer to the write was lost.
      if (balance?.open[job]) return;
      const open = balance?.counts[limit.class] ?? 0;
      if (open >= limit.most)
        throw new VisibleError(
          "too_many_jobs",
          `${open} ${limit.class} jobs are open and the account's limit is ${limit.most}; wait for one to end.`,
        );
      if (!balance || balance.available < credits)
        throw new VisibleError(
          "insufficient_credit",
          `This needs ${credits} credits and ${balance?.available ?? 0} are left; add credit or ask for less.`,
        );
    }
  }

  /** With usage: charges what it cost. Without: gives all back. */
  async settle(account: string, job: string, usage: Usage | undefined): Promise<void> {
    const balance = await this.balance(account);
    const reserved = balance?.open[job];
    if (!reserved) return;
    await this.#move(account, settlement(job, reserved, usage, this.#now()));
    if (Object.keys(balance.outbox).length >= fullOutbox) await this.flush(account);
  }

  /** Writes what waits in the outbox to the ledger, then takes it out. Safe to repeat, and to die in the middle of. */
  async flush(account: string): Promise<void> {
    for (;;) {
      const waiting = Object.values((await this.balance(account))?.outbox ?? {}).slice(0, handful);
      if (!waiting.length) return;
      await Promise.all(
        waiting.map((entry) =>
          this.#table.insert({ ...rowKeys.ledger(account, `${entry.at}#${entry.id}`), data: entry }),
        ),
      );
      const remove = waiting.map(({ id }) => ["outbox", id]);
      await this.#table.amend(rowKeys.balance(account), { remove }, []);
      if (waiting.length < handful) return;
    }
  }

  /** Was looked at now; next time later, or never while nothing is open. */
  async postpone(account: string): Promise<void> {
    const row = await this.#table.get(rowKeys.balance(account));
    if (!row) return;
    const { data, version } = parseRow(balanceSchema, row);
    const wait = Object.keys(data.outbox).length
      ? outboxCheck
      : Object.keys(data.open).length
        ? openCheck
        : undefined;
    if (wait !== undefined) await this.#table.amend(row, { due: this.#in(wait) }, []);
    // When money moves meanwhile, this is left to the next look.
    else await this.#table.replace({ ...rowKeys.balance(account), data }, version);
  }

  /**
   * Entries from one time up to, not including, another, the oldest first; at most `limit`.
   *
   * @param from as `toIso` writes times, so that they sort; and `to`
   */
  async entries(account: string, from: string, to: string, limit: number): Promise<readonly LedgerEntry[]> {
    await this.flush(account);
    const { pk } = rowKeys.ledger(account, "");
    // Sort keys go on after the time, so the first entry of `from` is beyond it and the first of `to` is not before it.
    const rows = await this.#table.query(pk, { after: from, until: to, limit });
    return rows.map((row) => parseRow(ledgerEntrySchema, row).data);
  }

  /** False when what is asked of the balance does not hold. */
  async #move(account: string, { amendment, tests }: Move): Promise<boolean> {
    // Not later than it is: a busy account, too, is looked at for reservations without a job.
    const firstDue = this.#in(outboxCheck);
    const key = rowKeys.balance(account);
    return (await this.#table.amend(key, { ...amendment, firstDue }, tests)) === "amended";
  }

  #now(): string {
    return this.#in(0);
  }

  #in(seconds: number): string {
    return toIso(this.#clock.now() + seconds * 1000);
  }
}
