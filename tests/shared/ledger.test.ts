import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { type LocalWorld, openLocalWorld } from "../local-world.ts";

let world: LocalWorld;
let ledger: Ledger;
let accounts = 0;
/** A limit that no test reaches. */
const any = { class: "interactive", most: 1000 } as const;
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

async function sumOf(account: string): Promise<number> {
  const entries = await ledger.entries(account, "2000", "3000", 1000);
  return entries.reduce((sum, { credits }) => sum + credits, 0);
}

describe("the ledger", () => {
  it("charges a success by measured work and returns the rest", async () => {
    const account = await open();
    await ledger.reserve(account, "job", 100, any);
    expect((await ledger.balance(account))?.available).toBe(900);
    await ledger.settle(account, "job", usage);
    expect((await ledger.balance(account))?.available).toBe(940);
    expect(await sumOf(account)).toBe(940);
  });

  it("gives everything back after a failure", async () => {
    const account = await open();
    await ledger.reserve(account, "job", 100, any);
    await ledger.settle(account, "job", undefined);
    expect((await ledger.balance(account))?.available).toBe(1000);
    expect(await sumOf(account)).toBe(1000);
  });

  it("moves once, however often it is told and by how many at once", async () => {
    const account = await open();
    await Promise.all(Array.from({ length: 5 }, () => ledger.reserve(account, "job", 100, any)));
    expect((await ledger.balance(account))?.available).toBe(900);
    await Promise.all(Array.from({ length: 5 }, () => ledger.settle(account, "job", usage)));
    await ledger.settle(account, "job", undefined);
    expect((await ledger.balance(account))?.available).toBe(940);
    expect(await sumOf(account)).toBe(940);
  });

  it("refuses what is not covered, in words, and takes nothing", async () => {
    const account = await open(50);
    await expect(ledger.reserve(account, "job", 100, any)).rejects.toThrow(
      "needs 100 credits and 50 are left",
    );
    expect((await ledger.balance(account))?.available).toBe(50);
  });

  it("never spends twice what races for the last credits", async () => {
    const account = await open(250);
    const races = Array.from({ length: 6 }, (_, n) => ledger.reserve(account, `job ${n}`, 100, any));
    const won = (await Promise.allSettled(races)).filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(2);
    expect(await sumOf(account)).toBe(50);
  });

  it("limits the open jobs of each class apart, and frees a place with each that ends", async () => {
    const account = await open();
    const limit = (name: "interactive" | "bulk") => ({ class: name, most: 2 });
    for (const job of ["b1", "b2"]) await ledger.reserve(account, job, 10, limit("bulk"));
    await expect(ledger.reserve(account, "b3", 10, limit("bulk"))).rejects.toThrow(
      "2 bulk jobs are open and the account's limit is 2",
    );
    for (const job of ["i1", "i2"]) await ledger.reserve(account, job, 10, limit("interactive"));
    await expect(ledger.reserve(account, "i3", 10, limit("interactive"))).rejects.toMatchObject({
      code: "too_many_jobs",
    });
    await ledger.settle(account, "i1", undefined);
    await ledger.settle(account, "i1", undefined);
    await ledger.reserve(account, "i3", 10, limit("interactive"));
    expect((await ledger.balance(account))?.counts).toEqual({ interactive: 2, bulk: 2 });
  });
});
