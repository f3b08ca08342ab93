import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createId } from "../../../shared/ids.ts";
import { batchSchema } from "../../../shared/resources/batch.ts";
import { usageReportSchema } from "../../../shared/resources/usage-report.ts";
import { systemRandom } from "../../../shared/system-clock.ts";
import { BulkWorld } from "./bulk-world.ts";

/** Edits that the worker completes between two sweeps when tenants share it. */
const capacity = 400;

/**
 * `npm run bench -- batch [--lines 100000] [--accounts 20] [--repeats 5]`: runs one batch of `lines` lines
 * through the API, the sweeper under a memory limit, and a worker that answers at once; then `accounts`
 * accounts with a batch of 200 lines each, in turn alone and beside one that submits ten batches of 2,000
 * lines at the same time.
 */
export async function benchBatch(root: string, words: readonly string[], say: (line: string) => void) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      lines: { type: "string", default: "100000" },
      accounts: { type: "string", default: "20" },
      repeats: { type: "string", default: "5" },
    },
  });
  const image = Uint8Array.from(await readFile(join(root, "demo", "before.jpg")));
  const lines = Number(values.lines);
  const batch = lines ? await oneBatch(image, lines, say) : undefined;
  const accounts = Number(values.accounts);
  const tenants = accounts ? await compareTenants(image, accounts, Number(values.repeats), say) : undefined;
  return { batch, tenants };
}

/** How long the honest accounts' batches took. */
interface Duration {
  /** Sweeper passes until the last one ended. */
  readonly passes: number;
  /** Seconds until the last one ended. */
  readonly last: number;
  /** Seconds until one ended, on average. */
  readonly mean: number;
}

/** Runs alternate, so that a change of the machine's load affects both kinds alike. */
async function compareTenants(
  image: Uint8Array<ArrayBuffer>,
  accounts: number,
  repeats: number,
  say: (line: string) => void,
) {
  const runs: { readonly alone: Duration; readonly beside: Duration }[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const run = async (hostile: boolean) => manyTenants(image, accounts, hostile);
    if (repeat % 2) {
      const beside = await run(true);
      runs.push({ alone: await run(false), beside });
    } else runs.push({ alone: await run(false), beside: await run(true) });
    const { alone, beside } = runs.at(-1)!;
    say(
      `  ${alone.passes} passes and ${alone.last.toFixed(1)} s alone, ${beside.passes} and ${beside.last.toFixed(1)} s beside`,
    );
  }
  const ratio = (of: keyof Duration) => {
    const sorted = runs.map(({ alone, beside }) => beside[of] / alone[of]).sort((a, b) => a - b);
    const [least, middle, greatest] = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((at) =>
      sorted[at]!.toFixed(2),
    );
    return `${middle} (${least} to ${greatest})`;
  };
  say(
    `${accounts - 1} accounts with 200 lines each, beside one with ten batches of 2,000, compared with alone, median and range of ${repeats}: passes ${ratio("passes")}, time of the last ${ratio("last")}, mean time ${ratio("mean")}`,
  );
  return runs;
}

async function oneBatch(image: Uint8Array<ArrayBuffer>, lines: number, say: (line: string) => void) {
  const world = await BulkWorld.open();
  try {
    const { account, call, upload } = await world.caller();
    const { id } = await startBatch(world, { account, call, upload }, image, lines);
    const begun = { ...unitsOf(world) };
    let readEarly = 0;
    for (let ended = false; !ended; ) {
      await world.round();
      const { status, counts } = await batchOf(await call("GET", `/v1/batches/${id}`));
      ended = status !== "queued" && status !== "running";
      if (!readEarly && (counts?.succeeded ?? 0) > lines / 2)
        readEarly = await countLines(await call("GET", `/v1/batches/${id}/output`));
      if (world.passes.count % 100 === 0) say(`  ${counts?.succeeded ?? 0} of ${lines} lines, ${status}`);
    }
    const done = unitsOf(world);
    const read = await countLines(await call("GET", `/v1/batches/${id}/output`));
    const { totals, balance, reserved } = usageReportSchema.parse(
      await (await call("GET", "/v1/usage")).json(),
    );
    const { count, cpu, longest, peak } = world.passes;
    const table = (done.table - begun.table) / lines;
    const index = (done.index - begun.index) / lines;
    say(
      `a batch of ${lines} lines: ${count} passes, ${read} lines read at its end, ${readEarly} in its middle`,
    );
    say(`  write units a line: ${table.toFixed(2)} of the table, ${index.toFixed(2)} of its index`);
    for (const [kind, units] of [...world.table.units.byKind].sort(([, a], [, b]) => b - a).slice(0, 8))
      say(`    ${kind.padEnd(10)} ${(units / lines).toFixed(3)}`);
    say(`  rows read a line: ${((done.reads - begun.reads) / lines).toFixed(2)}`);
    say(
      `  sweeper: peak ${peak.toFixed(0)} MiB; processor ${(cpu / lines).toFixed(2)} ms a line, at most ${longest.toFixed(0)} ms a pass`,
    );
    say(`  charged ${totals.jobs} jobs and ${totals.credits} credits; ${reserved} reserved, ${balance} left`);
    if (read !== lines || totals.jobs !== lines || reserved !== 0)
      throw new Error("the batch's output, charge or reservation does not add up");
    return { lines, passes: count, table, index, peak, longest, read, readEarly };
  } finally {
    await world.stop();
  }
}

/** Sweeps until every account except the last has finished its batch. */
async function manyTenants(
  image: Uint8Array<ArrayBuffer>,
  accounts: number,
  hostile: boolean,
): Promise<Duration> {
  const world = await BulkWorld.open();
  try {
    const callers = await Promise.all(Array.from({ length: accounts }, () => world.caller()));
    const [greedy, ...others] = callers.toReversed();
    if (hostile && greedy) for (let made = 0; made < 10; made++) await startBatch(world, greedy, image, 2000);
    const batches = await Promise.all(
      others.map(async (caller) => ({ caller, ...(await startBatch(world, caller, image, 200)) })),
    );
    const begun = performance.now();
    const seconds = new Map<string, number>();
    for (;;) {
      await world.round(capacity);
      const elapsed = (performance.now() - begun) / 1000;
      await Promise.all(
        batches.map(async ({ caller, id }) => {
          const { status } = await batchOf(await caller.call("GET", `/v1/batches/${id}`));
          if (status === "succeeded" && !seconds.has(id)) seconds.set(id, elapsed);
        }),
      );
      if (seconds.size === batches.length) {
        const all = [...seconds.values()];
        const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
        return { passes: world.passes.count, last: elapsed, mean };
      }
      if (world.passes.count > 2000) throw new Error("the other accounts' batches do not end");
    }
  } finally {
    await world.stop();
  }
}

type Caller = Awaited<ReturnType<BulkWorld["caller"]>>;

async function startBatch(
  world: BulkWorld,
  { account, call, upload }: Caller,
  image: Uint8Array<ArrayBuffer>,
  lines: number,
): Promise<{ readonly id: string }> {
  const photo = await upload(image, "image/jpeg");
  const text = Array.from({ length: lines }, (_, line) =>
    JSON.stringify({ image: photo, custom_id: `photo-${line}` }),
  ).join("\n");
  const manifest = await upload(new TextEncoder().encode(text), "application/jsonl");
  const instruction = createId("instruction", Date.now(), systemRandom(10));
  await world.learned(account, instruction, photo);
  return batchOf(await call("POST", "/v1/batches", { instruction, manifest }));
}

const unitsOf = ({ table: { units } }: BulkWorld) => ({
  table: units.table,
  index: units.index,
  reads: units.reads,
});

const batchOf = async (response: Response) => batchSchema.parse(await response.json());

async function countLines(response: Response): Promise<number> {
  let count = 0;
  for await (const chunk of response.body ?? []) for (const byte of chunk) if (byte === 0x0a) count++;
  return count;
}
