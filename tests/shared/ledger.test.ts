import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { ledgerRows, sumOfLedger } from "../ledger-rows.ts";
import { type LocalWorld, openLocalWorld } from "../local-world.ts";

let world: LocalWorld;
let ledger: Ledger;
let accounts = 0;
/** A limit that no test reaches. */
const any = { class: "interactive", max: 1000 } as const;
const usage = { compute_seconds: 1, steps: 10, images: 1, pixels: 64, credits: 60 };

beforeAll(async () => {
  world = await openLocalWorld();
  ledger = new Ledger(world.table, systemClock);
});
afterAll(() => world?.stop());

async function open(credits = 1000): Promise<string> {
  const account = `account-${++accounts}`;
  await ledger.open(account, credits);
  return account;
}

/** Writes a settlement as its job's settlement does. */
async function settle(account: string, job: string, used: typeof usage | undefined): Promise<void> {
  const writes = await ledger.settling(account, job, used);
  if (writes.length) await world.table.transact(writes);
}

const sumOf = (account: string) => sumOfLedger(world.table, account);

describe("the ledger", () => {
  it("charges the measured work of a success and releases the rest", async () => {
    const account = await open();
    await ledger.reserve(account, "job", 100, any);
    expect((await ledger.balance(account))?.available).toBe(900);
    await settle(account, "job", usage);
    expect((await ledger.balance(account))?.available).toBe(940);
    expect(await sumOf(account)).toBe(940);
  });

  it("releases everything after a failure", async () => {
    const account = await open();
    await ledger.reserve(account, "job", 100, any);
    await settle(account, "job", undefined);
    expect((await ledger.balance(account))?.available).toBe(1000);
    expect(await sumOf(account)).toBe(1000);
  });

  it("applies a change once, also for repeated and concurrent calls", async () => {
    const account = await open();
    await Promise.all(Array.from({ length: 5 }, () => ledger.reserve(account, "job", 100, any)));
    expect((await ledger.balance(account))?.available).toBe(900);
    await Promise.all(Array.from({ length: 5 }, () => settle(account, "job", usage)));
    await settle(account, "job", undefined);
    expect((await ledger.balance(account))?.available).toBe(940);
    expect(await sumOf(account)).toBe(940);
  });

  it("rejects a cost above the balance with a message, and reserves nothing", async () => {
    const account = await open(50);
    await expect(ledger.reserve(account, "job", 100, any)).rejects.toThrow(
      "requires 100 credits, but the balance is 50",
    );
    expect((await ledger.balance(account))?.available).toBe(50);
  });

  it("never spends the last credits twice in a race", async () => {
    const account = await open(250);
    const races = Array.from({ length: 6 }, (_, n) => ledger.reserve(account, `job ${n}`, 100, any));
    const won = (await Promise.allSettled(races)).filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(2);
    expect(await sumOf(account)).toBe(250);
    expect(await ledger.balance(account)).toMatchObject({ available: 50, reserved: 200 });
  });

  it("limits the open jobs of each class, and frees a slot when one ends", async () => {
    const account = await open();
    const limit = (name: "interactive" | "bulk") => ({ class: name, max: 2 });
    for (const job of ["b1", "b2"]) await ledger.reserve(account, job, 10, limit("bulk"));
    await expect(ledger.reserve(account, "b3", 10, limit("bulk"))).rejects.toThrow(
      "2 open bulk jobs and its limit is 2",
    );
    for (const job of ["i1", "i2"]) await ledger.reserve(account, job, 10, limit("interactive"));
    await expect(ledger.reserve(account, "i3", 10, limit("interactive"))).rejects.toMatchObject({
      code: "too_many_jobs",
    });
    await settle(account, "i1", undefined);
    await settle(account, "i1", undefined);
    await ledger.reserve(account, "i3", 10, limit("interactive"));
    expect((await ledger.balance(account))?.open).toEqual({ interactive: 2, bulk: 2 });
  });

  it("keeps a balance of four numbers, and each reservation in its own row", async () => {
    const account = await open(10_000);
    const size = async () => JSON.stringify((await world.table.get(rowKeys.balance(account)))?.data).length;
    const before = await size();
    await Promise.all(Array.from({ length: 300 }, (_, n) => ledger.reserve(account, `job ${n}`, 10, any)));
    expect((await size()) - before).toBeLessThan(10);
    expect(await ledger.balance(account)).toMatchObject({ available: 7000, reserved: 3000 });
    const { pk } = rowKeys.reservation(account, "");
    expect(await world.table.query(pk, { limit: 1000 })).toHaveLength(300);
  });

  it("stores a job's row and its reservation, or neither", async () => {
    const account = await open(100);
    const row = (n: number) => ({ pk: account, sk: `edt#${n}`, data: { n } });
    await ledger.reserve(account, "one", 60, any, [row(1)]);
    await ledger.reserve(account, "one", 60, any, [row(1)]);
    await expect(ledger.reserve(account, "two", 60, any, [row(2)])).rejects.toMatchObject({
      code: "insufficient_credit",
    });
    expect(await world.table.get(row(2))).toBeUndefined();
    expect(await world.table.get(rowKeys.reservation(account, "two"))).toBeUndefined();
    await settle(account, "one", usage);
    // The request again, after its job has ended.
    await ledger.reserve(account, "one", 60, any, [row(1)]);
    expect(await ledger.balance(account)).toMatchObject({ available: 40, reserved: 0 });
  });

  it("adds credit once for each reference", async () => {
    const account = await open(0);
    for (const reference of ["invoice 1", "invoice 1", "invoice 2"])
      await ledger.grant(account, reference, 500);
    expect(await ledger.grant(account, "invoice 2", 500)).toBe(1000);
    expect(await ledgerRows(world.table, account)).toHaveLength(3);
  });
});
