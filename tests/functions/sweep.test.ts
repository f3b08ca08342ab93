import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fairShare } from "../../functions/sweep/fair-share.ts";
import { maxFailures } from "../../functions/sweep/handle-with-backoff.ts";
import { sweepKind } from "../../functions/sweep/sweep.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { createId } from "../../shared/ids.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { LogFacts } from "../../shared/ports/log.ts";
import type { TableKey } from "../../shared/ports/table.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemRandom as random } from "../../shared/system-clock.ts";
import { ManualClock } from "../contracts/manual-clock.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
beforeAll(async () => {
  api = await Api.open();
  call = await api.caller();
});
afterAll(() => api?.stop());

/** The sweeper with a clock that the test advances, and the errors that it logs. */
function sweeper() {
  const clock = new ManualClock(Date.now() + 600_000);
  const errors: LogFacts[] = [];
  const log = {
    info: () => undefined,
    error: (_: string, facts?: LogFacts) => void errors.push(facts ?? {}),
  };
  const { objects, webhooks } = api.world;
  const table = new DynamoTable(api.world.clients.dynamo, api.world.standIns.table, clock);
  const jobs = new JobStore({ ...api.world, table, clock });
  const ports = { table, objects, webhooks, clock, random, log, jobs, meter: undefined };
  return { clock, errors, ports: { ...ports, ledger: new Ledger(table, clock) } };
}

/** A row that no handler can read. */
async function poison(account: string, due: string): Promise<TableKey> {
  const id = createId("batch", Date.now(), random(10));
  const key = rowKeys.resource(account, id);
  await api.world.table.insert({ ...key, data: { id }, due });
  return key;
}
const many = <Result>(count: number, make: () => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, make));

/** An upload that nobody completed, due since then. */
async function abandonedUpload(account: string, due: string): Promise<string> {
  const id = createId("upload", Date.now(), random(10));
  const data = { id, status: "pending", content_type: "image/png", bytes: 9, created_at: due, account };
  await api.world.table.insert({ ...rowKeys.resource(account, id), data, due });
  return id;
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

describe("a row that cannot be handled", () => {
  it("is retried with growing delays, so that 110 of them do not delay another account's batch", async () => {
    const { clock, errors, ports } = sweeper();
    const poisoned = await many(110, () => poison(call.account, ago(100)));
    const other = await api.caller();
    const before = await api.upload(other, await picture());
    const pairs = [{ before, after: before }];
    const { body: instruction } = await other("POST", "/v1/instructions", { pairs });
    await endJob(ports, other.account, instruction.id, { status: "succeeded" });
    const wish = { instruction: instruction.id, images: [before] };
    const { body: batch } = await other("POST", "/v1/batches", wish);
    await sweepKind(ports, "bat");
    expect((await other("GET", `/v1/batches/${batch.id}`)).body.status).toBe("running");
    // The rest of them, and then none: each is tried once.
    await sweepKind(ports, "bat");
    await sweepKind(ports, "bat");
    expect(errors).toHaveLength(110);
    clock.advance(5001);
    for (let look = 0; look < 3; look++) await sweepKind(ports, "bat");
    expect(errors).toHaveLength(220);
    clock.advance(5001);
    await sweepKind(ports, "bat");
    expect(errors).toHaveLength(220);
    await Promise.all(poisoned.map((key) => api.world.table.delete(key)));
  }, 120_000);

  it("is quarantined with a metric that an alarm reads, and tried once a day", async () => {
    const account = createId("account", Date.now(), random(10));
    const { clock, errors, ports } = sweeper();
    await poison(account, ago(1));
    const mine = () => errors.filter(({ row }) => String(row).startsWith(account));
    for (let look = 0; mine().length < maxFailures; look++) {
      expect(look).toBeLessThan(maxFailures);
      await sweepKind(ports, "bat");
      clock.advance(3_600_001);
    }
    expect(mine().map(({ failures }) => failures)).toEqual(
      Array.from({ length: maxFailures }, (_, count) => count + 1),
    );
    expect(mine().filter(({ QuarantinedRows }) => QuarantinedRows === 1)).toHaveLength(1);
    for (let look = 0; look < 5; look++) await sweepKind(ports, "bat");
    expect(mine()).toHaveLength(maxFailures);
    clock.advance(24 * 3_600_000);
    await sweepKind(ports, "bat");
    expect(mine()).toHaveLength(maxFailures + 1);
  });
});

describe("a sweep", () => {
  it("handles a fair share of each account, however many rows of one are overdue", async () => {
    const rows = ["a", "a", "a", "a", "b", "c", "b"].map((pk, index) => ({
      pk,
      sk: `upl#${index}`,
      due: String(index),
    }));
    expect(fairShare(rows, 4).map(({ sk }) => sk)).toEqual(["upl#0", "upl#4", "upl#5", "upl#1"]);
    expect(fairShare(rows, 100)).toHaveLength(7);
    const { ports } = sweeper();
    await many(120, () => abandonedUpload(call.account, ago(1000)));
    const other = createId("account", Date.now(), random(10));
    const theirs = await abandonedUpload(other, ago(1));
    expect(await sweepKind(ports, "upl")).toBe(100);
    expect(await api.world.table.get(rowKeys.resource(other, theirs))).toBeUndefined();
  }, 120_000);
});

it("a result that a late worker stores after the deletion of its edit does not stay", async () => {
  const { clock, ports } = sweeper();
  const images = [await api.upload(call, await picture())];
  const { body } = await call("POST", "/v1/edits", { text: "sepia", images });
  await call("POST", `/v1/edits/${body.id}/cancel`);
  expect((await call("DELETE", `/v1/edits/${body.id}`)).status).toBe(204);
  const key = objectKeys.result(call.account, body.id, 0, 0, "png");
  const late = () => api.world.objects.put(key, Buffer.from("late"), "image/png");
  for (const wait of [16 * 60_000, 25 * 3_600_000]) {
    await late();
    clock.advance(wait);
    await sweepKind(ports, "del");
    expect(await api.world.objects.size(key)).toBeUndefined();
  }
  expect(await api.world.table.get(rowKeys.deletion(call.account, body.id))).toBeUndefined();
});
