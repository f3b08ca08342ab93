import { expect, it } from "vitest";
import type { Table } from "../../shared/ports/table.ts";
import type { ManualClock } from "./manual-clock.ts";

/** The contract of every table. `pk` returns a separate partition for each case. */
export function tableContract(open: () => { table: Table; clock: ManualClock }): void {
  let cases = 0;
  const fresh = () => ({ ...open(), pk: `case#${++cases}` });

  it("gives back what was inserted, as version 1", async () => {
    const { table, pk } = fresh();
    const data = {
      name: "sepia",
      steps: 12,
      ratio: 0.25,
      nested: { list: [1, "two", null, true] },
      empty: "",
    };
    expect(await table.insert({ pk, sk: "a", data })).toMatchObject({ version: 1 });
    expect(await table.get({ pk, sk: "a" })).toEqual({ pk, sk: "a", data, version: 1 });
    expect(await table.get({ pk, sk: "b" })).toBeUndefined();
  });

  it("refuses a second insert of one key and keeps the first", async () => {
    const { table, pk } = fresh();
    await table.insert({ pk, sk: "a", data: { n: 1 } });
    expect(await table.insert({ pk, sk: "a", data: { n: 2 } })).toBe("conflict");
    expect((await table.get({ pk, sk: "a" }))?.data).toEqual({ n: 1 });
  });

  it("replaces exactly the version that was read", async () => {
    const { table, pk } = fresh();
    await table.insert({ pk, sk: "a", data: { n: 1 } });
    expect(await table.replace({ pk, sk: "a", data: { n: 2 } }, 1)).toMatchObject({ version: 2 });
    expect(await table.replace({ pk, sk: "a", data: { n: 3 } }, 1)).toBe("conflict");
    expect(await table.replace({ pk, sk: "none", data: {} }, 1)).toBe("conflict");
    expect((await table.get({ pk, sk: "a" }))?.data).toEqual({ n: 2 });
  });

  it("lets one of many racing writers win", async () => {
    const { table, pk } = fresh();
    await table.insert({ pk, sk: "a", data: { winner: -1 } });
    const racers = Array.from({ length: 8 }, (_, winner) =>
      table.replace({ pk, sk: "a", data: { winner } }, 1),
    );
    const won = (await Promise.all(racers)).filter((result) => result !== "conflict");
    expect(won).toHaveLength(1);
    expect((await table.get({ pk, sk: "a" }))?.data).toEqual(won[0]?.data);
  });

  it("lets one of many racing inserts win, and one of many takers of an expired place", async () => {
    const { table, clock, pk } = fresh();
    const expires = Math.floor(clock.now() / 1000) + 60;
    const race = async () => {
      const racers = Array.from({ length: 8 }, (_, racer) =>
        table.insert({ pk, sk: "a", data: { racer }, expires: Math.floor(clock.now() / 1000) + 60 }),
      );
      return (await Promise.all(racers)).filter((result) => result !== "conflict");
    };
    const [first, ...others] = await race();
    expect(others).toEqual([]);
    clock.advance(62_000);
    const [second, ...more] = await race();
    expect(more).toEqual([]);
    expect(first?.expires).toBe(expires);
    expect((await table.get({ pk, sk: "a" }))?.data).toEqual(second?.data);
  });

  it("loses no change when eight read, change and write one row at once", async () => {
    const { table, pk } = fresh();
    await table.insert({ pk, sk: "a", data: { count: 0 } });
    const increment = async () => {
      for (;;) {
        const row = (await table.get({ pk, sk: "a" }))!;
        const data = { count: Number(row.data.count) + 1 };
        if ((await table.replace({ pk, sk: "a", data }, row.version)) !== "conflict") return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, increment));
    expect(await table.get({ pk, sk: "a" })).toMatchObject({ data: { count: 8 }, version: 9 });
  });

  it("changes parts of a row where it stands, when what is asked of it holds", async () => {
    const { table, pk } = fresh();
    const key = { pk, sk: "a" };
    const due = "2026-01-02T00:00:00.000Z";
    await table.insert({ ...key, data: { left: 5, open: { first: { n: 1 } } } });
    const amended = await table.amend(
      key,
      {
        set: [[["open", "edt_1.x #size"], { n: 2 }]],
        add: [[["left"], -2]],
        remove: [
          ["open", "first"],
          ["open", "none"],
        ],
        due,
      },
      [
        { path: ["left"], atLeast: 5 },
        { path: ["open", "edt_1.x #size"], is: "absent" },
        { path: ["open", "first"], is: "present" },
        { path: ["left"], below: 6 },
        { path: ["open", "first", "n"], equals: 1 },
      ],
    );
    const data = { left: 3, open: { "edt_1.x #size": { n: 2 } } };
    expect(amended).toBe("amended");
    expect(await table.get(key)).toEqual({ ...key, data, version: 2, due });
    expect(await table.replace({ ...key, data: {} }, 1)).toBe("conflict");
  });

  it.each([
    ["too little", { path: ["left"], atLeast: 6 }],
    ["what is there already", { path: ["open", "first"], is: "absent" }],
    ["what is not there", { path: ["open", "second"], is: "present" }],
    ["too many", { path: ["left"], below: 5 }],
    ["another value", { path: ["status"], equals: "running" }],
  ] as const)("amends nothing for %s", async (_, test) => {
    const { table, pk } = fresh();
    const data = { left: 5, open: { first: 1 }, status: "queued" };
    await table.insert({ pk, sk: "a", data });
    expect(await table.amend({ pk, sk: "a" }, { add: [[["left"], 1]] }, [test])).toBe("conflict");
    expect(await table.get({ pk, sk: "a" })).toMatchObject({ data, version: 1 });
  });

  it("amends no row that is not there, and loses none of many amendments at once", async () => {
    const { table, pk } = fresh();
    expect(await table.amend({ pk, sk: "a" }, { add: [[["n"], 1]] }, [])).toBe("conflict");
    expect(await table.get({ pk, sk: "a" })).toBeUndefined();
    await table.insert({ pk, sk: "a", data: { n: 0 } });
    await Promise.all(
      Array.from({ length: 12 }, () => table.amend({ pk, sk: "a" }, { add: [[["n"], 1]] }, [])),
    );
    expect(await table.get({ pk, sk: "a" })).toMatchObject({ data: { n: 12 }, version: 13 });
  });

  it("deletes a row, or only the version that was read", async () => {
    const { table, pk } = fresh();
    await table.insert({ pk, sk: "a", data: {} });
    expect(await table.delete({ pk, sk: "a" }, 7)).toBe("conflict");
    expect(await table.delete({ pk, sk: "a" }, 1)).toBe("deleted");
    expect(await table.delete({ pk, sk: "a" })).toBe("deleted");
    expect(await table.get({ pk, sk: "a" })).toBeUndefined();
  });

  it("reads a partition in order, forwards and backwards, a page at a time", async () => {
    const { table, pk } = fresh();
    for (const sk of ["x#3", "x#1", "y#1", "x#2", "w#9"]) await table.insert({ pk, sk, data: {} });
    const keys = async (query: Parameters<Table["query"]>[1]) =>
      (await table.query(pk, query)).map(({ sk }) => sk);
    expect(await keys({ limit: 9 })).toEqual(["w#9", "x#1", "x#2", "x#3", "y#1"]);
    expect(await keys({ prefix: "x#", limit: 9 })).toEqual(["x#1", "x#2", "x#3"]);
    expect(await keys({ prefix: "x#", limit: 2, newestFirst: true })).toEqual(["x#3", "x#2"]);
    expect(await keys({ prefix: "x#", limit: 2, newestFirst: true, after: "x#2" })).toEqual(["x#1"]);
    expect(await keys({ prefix: "x#", limit: 2, after: "x#1" })).toEqual(["x#2", "x#3"]);
    expect(await keys({ after: "x#3", limit: 2 })).toEqual(["y#1"]);
    expect(await keys({ after: "w#9", until: "x#3", limit: 9 })).toEqual(["x#1", "x#2"]);
    expect(await keys({ until: "x#2", limit: 9 })).toEqual(["w#9", "x#1"]);
    expect(await keys({ until: "x#1", limit: 2, newestFirst: true })).toEqual(["y#1", "x#3"]);
    expect(await keys({ after: "x#9", until: "x#1", limit: 9, newestFirst: true })).toEqual(["x#3", "x#2"]);
    expect(await keys({ prefix: "x#", until: "x#3", limit: 9 })).toEqual(["x#1", "x#2"]);
    expect(await table.query(`${pk}0`, { limit: 9 })).toEqual([]);
  });

  it("counts atomically", async () => {
    const { table, clock, pk } = fresh();
    const expires = Math.floor(clock.now() / 1000) + 60;
    const sums = await Promise.all(Array.from({ length: 10 }, () => table.add({ pk, sk: "n" }, 2, expires)));
    expect(sums.toSorted((a, b) => a - b)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  });

  it("finds what is due of a kind, the longest overdue first, until it is no longer due", async () => {
    const { table, pk } = fresh();
    const kind = `k${cases}`;
    const insert = (sk: string, due?: string) =>
      table.insert({ pk, sk: `${kind}#${sk}`, data: { large: "x".repeat(100) }, ...(due ? { due } : {}) });
    await insert("later", "2001-01-01T00:00:09.000Z");
    await insert("now", "2001-01-01T00:00:02.000Z");
    await insert("overdue", "2001-01-01T00:00:01.000Z");
    await insert("never");
    await table.insert({ pk, sk: "other#1", data: {}, due: "2001-01-01T00:00:01.000Z" });
    const due = (limit = 10) => table.dueBy(kind, "2001-01-01T00:00:05.000Z", limit);
    expect(await due()).toEqual([
      { pk, sk: `${kind}#overdue`, due: "2001-01-01T00:00:01.000Z" },
      { pk, sk: `${kind}#now`, due: "2001-01-01T00:00:02.000Z" },
    ]);
    expect(await due(1)).toHaveLength(1);
    await table.replace({ pk, sk: `${kind}#overdue`, data: {} }, 1);
    expect(await due()).toMatchObject([{ sk: `${kind}#now` }]);
    await table.amend({ pk, sk: `${kind}#now` }, { due: "2002-01-01T00:00:00.000Z" }, []);
    expect(await due()).toEqual([]);
  });

  it("finds what is due in every partition of a kind that has several", async () => {
    const { table, pk } = fresh();
    const keys = Array.from({ length: 20 }, (_, n) => `edt#${cases}-${n}`);
    await Promise.all(
      keys.map((sk, n) => table.insert({ pk, sk, data: {}, due: `1990-01-01T00:00:${10 + n}.000Z` })),
    );
    const rows = await table.dueBy("edt", "1990-01-02T00:00:00.000Z", 20);
    expect(rows.map(({ sk }) => sk)).toEqual(keys);
    await Promise.all(keys.map((sk) => table.delete({ pk, sk })));
  });

  it("writes several rows in one transaction, or none of them", async () => {
    const { table, pk } = fresh();
    const row = (sk: string) => table.get({ pk, sk });
    await table.insert({ pk, sk: "balance", data: { left: 5 } });
    await table.insert({ pk, sk: "held", data: {} });
    await table.insert({ pk, sk: "batch", data: { next: 0 } });
    const take = (amount: number, sk: string, version: number) =>
      table.transact([
        { insert: { pk, sk, data: { amount } } },
        {
          amend: { pk, sk: "balance" },
          amendment: { add: [[["left"], -amount]] },
          tests: [{ path: ["left"], atLeast: amount }],
        },
        { replace: { pk, sk: "batch", data: { next: amount } }, version },
      ]);
    const before = await Promise.all(["balance", "batch"].map(row));
    // One of three conditions does not hold: that of the amendment, the replacement or the insertion.
    expect(await take(6, "first", 1)).toBe("conflict");
    expect(await take(3, "first", 9)).toBe("conflict");
    expect(await take(3, "held", 1)).toBe("conflict");
    expect(await Promise.all(["balance", "batch"].map(row))).toEqual(before);
    expect(await row("first")).toBeUndefined();
    expect(await take(3, "first", 1)).toBe("written");
    expect(await row("balance")).toMatchObject({ data: { left: 2 }, version: 2 });
    expect(await row("batch")).toMatchObject({ data: { next: 3 }, version: 2 });
    expect(await row("first")).toMatchObject({ data: { amount: 3 }, version: 1 });
    const drop = () =>
      table.transact([
        { delete: { pk, sk: "first" } },
        { amend: { pk, sk: "balance" }, amendment: { add: [[["left"], 3]] }, tests: [] },
      ]);
    expect(await drop()).toBe("written");
    expect(await drop()).toBe("conflict");
    expect(await row("balance")).toMatchObject({ data: { left: 5 } });
  });

  it("loses no transaction of many on one row, nor a single write beside them", async () => {
    const { table, pk } = fresh();
    await table.insert({ pk, sk: "balance", data: { left: 5, seen: 0 } });
    const takes = Array.from({ length: 8 }, (_, n) =>
      table.transact([
        { insert: { pk, sk: `held ${n}`, data: {} } },
        {
          amend: { pk, sk: "balance" },
          amendment: { add: [[["left"], -1]] },
          tests: [{ path: ["left"], atLeast: 1 }],
        },
      ]),
    );
    const looks = Array.from({ length: 4 }, () =>
      table.amend({ pk, sk: "balance" }, { add: [[["seen"], 1]] }, []),
    );
    const done = await Promise.all(takes);
    expect(await Promise.all(looks)).toEqual(Array(4).fill("amended"));
    expect(done.filter((result) => result === "written")).toHaveLength(5);
    expect(await table.query(pk, { prefix: "held ", limit: 20 })).toHaveLength(5);
    expect(await table.get({ pk, sk: "balance" })).toMatchObject({ data: { left: 0, seen: 4 }, version: 10 });
  });

  it("does not see an expired row, and lets another take its place", async () => {
    const { table, clock, pk } = fresh();
    const expires = Math.floor(clock.now() / 1000) + 60;
    await table.insert({ pk, sk: "a", data: { n: 1 }, expires });
    expect(await table.get({ pk, sk: "a" })).toBeDefined();
    clock.advance(62_000);
    expect(await table.get({ pk, sk: "a" })).toBeUndefined();
    expect(await table.query(pk, { limit: 5 })).toEqual([]);
    expect(await table.insert({ pk, sk: "a", data: { n: 2 }, expires: expires + 100 })).toMatchObject({
      version: 1,
    });
  });
}
