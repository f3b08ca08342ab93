import { describe } from "vitest";
import { MemoryTable } from "../../research/bench/batch/memory-table.ts";
import { ManualClock } from "../contracts/manual-clock.ts";
import { tableContract } from "../contracts/table-contract.ts";

describe("the benchmark's table in memory", () => {
  tableContract(() => {
    const clock = new ManualClock();
    return { clock, table: new MemoryTable(() => clock.now()) };
  });
});
