import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../shared/ids.ts";
import type { LedgerEntry } from "../../shared/ledger/balance.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemRandom } from "../../shared/system-clock.ts";
import { Api, type Caller } from "./api.ts";

let api: Api;
let call: Caller;
beforeAll(async () => {
  api = await Api.open({ reportEntries: 1500 });
  call = await api.caller();
});
afterAll(() => api?.stop());

/** A job that was charged at a time. */
async function charge(at: string, credits = 10): Promise<void> {
  const job = createId("edit", Date.parse(at), systemRandom(10));
  const usage = { compute_seconds: 0.001, steps: 1, images: 1, pixels: 0, credits };
  const data: LedgerEntry = { at, kind: "charge", credits: -credits, job, usage };
  await api.world.table.insert({ ...rowKeys.ledger(call.account, `${at}#${job}`), data });
}
const report = async (from: string, to: string) =>
  (await call("GET", `/v1/usage?${new URLSearchParams({ from, to })}`)).body;

describe("a usage report", () => {
  it("includes its first moment and excludes its last, at any precision", async () => {
    for (const at of ["2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.500Z", "2020-01-02T00:00:00.000Z"])
      await charge(at);
    expect((await report("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).totals.jobs).toBe(2);
    expect((await report("2020-01-01T00:00:00.001Z", "2020-01-02T00:00:00.001Z")).totals.jobs).toBe(2);
    expect((await report("2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z")).totals.jobs).toBe(1);
  });

  it("sums every job of its period, also those not listed, and refuses a period with too many jobs", async () => {
    const day = (number: number) => `2021-01-0${number}T00:00:00Z`;
    const at = (number: number, index: number) =>
      `2021-01-0${number}T00:00:${String(index % 60).padStart(2, "0")}.000Z`;
    for (const [number, count] of [
      [1, 1050],
      [3, 500],
    ] as const)
      for (let index = 0; index < count; index += 50)
        await Promise.all(Array.from({ length: 50 }, (_, more) => charge(at(number, index + more), 7)));
    const whole = await report(day(1), day(2));
    expect([whole.totals.jobs, whole.totals.credits, whole.totals.compute_seconds]).toEqual([
      1050, 7350, 1.05,
    ]);
    expect(whole.records).toHaveLength(1000);
    // Jobs after the end of the period are not read, so they do not count.
    expect((await report(day(1), day(3))).totals.jobs).toBe(1050);
    expect(await report(day(1), day(4))).toMatchObject({ status: 422, code: "period_too_long" });
  });

  it("refuses a period that ends before it starts", async () => {
    expect(await report("2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z")).toMatchObject({
      status: 422,
      code: "invalid_request",
    });
  });
});
