import { defined } from "../../shared/defined.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Write } from "../../shared/ports/table.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import type { Stored } from "../../shared/rows.ts";
import { newDeliveries } from "../webhooks/new-deliveries.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { saveBatch } from "./save-batch.ts";

type EndPorts = Pick<BatchPorts, "table" | "clock">;

/** Milliseconds after which the sweeper sends the webhooks of a batch whose process crashed before it did. */
const announceCheck = 60_000;

/**
 * Ends a batch or a schedule in one transaction with `others`, then notifies the webhooks. Until then, the
 * row stays due.
 */
export async function endBatch(
  ports: EndPorts,
  { data, version }: Stored<StoredBatch>,
  status: "succeeded" | "failed" | "canceled",
  others: readonly Write[] = [],
): Promise<void> {
  const now = ports.clock.now();
  const batch = { ...data, status, finished_at: toIso(now) };
  const ended = await saveBatch(ports.table, batch, version, now + announceCheck, others);
  if (ended !== "conflict") await announceBatch(ports, ended);
}

/** Notifies each webhook once that the batch has ended, then clears the row's due time. */
export async function announceBatch(
  ports: EndPorts,
  { data: batch, version }: Stored<StoredBatch>,
): Promise<void> {
  const { account, id, counts, request, status, error } = batch;
  if (status !== "succeeded" && status !== "failed" && status !== "canceled") return;
  const deliveries = await newDeliveries(ports, account, id, `batch.${status}`, request.webhook, {
    id,
    status,
    counts,
    ...defined({ error, metadata: request.metadata }),
  });
  for (const delivery of deliveries) await ports.table.insert(delivery);
  await saveBatch(ports.table, batch, version, undefined);
}
