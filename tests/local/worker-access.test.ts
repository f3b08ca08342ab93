import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAwsClients } from "../../shared/aws/clients.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { createId } from "../../shared/ids.ts";
import { newJob, type Run } from "../../shared/jobs/job.ts";
import { appendEvent, eventId } from "../../shared/jobs/job-events.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { RunStore } from "../../shared/jobs/run-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import type { Table } from "../../shared/ports/table.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock as clock, systemRandom as random } from "../../shared/system-clock.ts";
import { type LocalWorld, openLocalWorld } from "../local-world.ts";

const account = createId("account", Date.now(), random(10));
const id = createId("edit", Date.now(), random(10));
let world: LocalWorld;
let clients: ReturnType<typeof createAwsClients>;
/** The table with the rights of a worker. */
let table: Table;
beforeAll(async () => {
  world = await openLocalWorld();
  const { aws, workerCredentials, table: name } = world.standIns;
  clients = createAwsClients({ ...aws, credentials: workerCredentials });
  table = new DynamoTable(clients.dynamo, name, clock);
  await new Ledger(world.table, clock).open(account, 1000);
  const job = newJob({
    id,
    account,
    queue: "interactive",
    reserved: 10,
    request: { kind: "edit", text: "sepia", images: [createId("upload", 1, random(10))] },
    created_at: new Date().toISOString(),
  });
  await new JobStore({ ...world, clock }).insert(job);
});
afterAll(async () => {
  clients?.destroy();
  await world?.stop();
});

const denied = expect.objectContaining({ name: "AccessDeniedException" });

describe("a worker's credentials", () => {
  it("claim, renew, release, queue, fail and end a run, and publish events", async () => {
    const runs = new RunStore({ ...world, table, clock });
    const claimed = (await runs.claim(account, id, "worker")) as Run;
    expect(await runs.renew(claimed, "worker", { has_preview: true })).toMatchObject({ has_preview: true });
    await appendEvent(table, clock, id, eventId(1, 0), { type: "status", status: "running" });
    await runs.enqueue((await runs.release(claimed, "worker"))!);
    const again = (await runs.claim(account, id, "worker")) as Run;
    expect(await runs.fail(again, "worker", { reason: "x" })).toMatchObject({ failures: 1 });
    const last = (await runs.claim(account, id, "worker")) as Run;
    const ended = await runs.end(last, { status: "succeeded", results: [] }, { owner: "worker" });
    expect(ended?.status).toBe("succeeded");
  });

  it.each([
    ["the balance", rowKeys.balance(account)],
    ["the job's row", rowKeys.resource(account, id)],
    ["a webhook delivery", rowKeys.resource(account, "dlv_1")],
    ["the ledger", rowKeys.ledger(account, "1")],
    ["the reservation", rowKeys.reservation(account, id)],
    ["a key", rowKeys.secret("hash")],
    ["a batch's line", rowKeys.batchLine("bat_1", 1)],
  ])("can neither read nor write %s", async (_, key) => {
    const row = { ...key, data: { available: 1e9 } };
    const amendment = { set: [[["available"], 1e9]] } as const;
    for (const call of [
      () => table.get(key),
      () => table.getAll([key]),
      () => table.insert(row),
      () => table.replace(row, 1),
      () => table.amend(key, amendment, []),
      () => table.delete(key),
      () => table.query(key.pk, { limit: 10 }),
      () => table.add(key, 1e9, 1e10),
      () => table.transact([{ amend: key, amendment, tests: [] }]),
    ])
      await expect(call()).rejects.toEqual(denied);
    expect(await new Ledger(world.table, clock).balance(account)).toMatchObject({ available: 1000 });
  });

  it("cannot delete a run, list runs or query what is due", async () => {
    await expect(table.delete(rowKeys.run(account, id))).rejects.toEqual(denied);
    await expect(table.query(rowKeys.run(account, id).pk, { limit: 1 })).rejects.toEqual(denied);
    await expect(table.dueBy("run", new Date().toISOString(), 1)).rejects.toEqual(denied);
  });
});
