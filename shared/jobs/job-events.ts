import { defined } from "../defined.ts";
import { lifetimes } from "../object-keys.ts";
import type { Clock } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import { type JobEvent, jobEventSchema } from "../resources/event.ts";
import { parseRow, rowKeys } from "../rows.ts";

export interface NumberedEvent {
  /** Sorts by time; clients return it as `Last-Event-ID`. */
  readonly id: string;
  readonly event: JobEvent;
}

/** ID of event `index` of an attempt; later attempts sort after earlier ones. */
export const eventId = (attempt: number, index: number): string =>
  `${String(attempt).padStart(4, "0")}-${String(index).padStart(6, "0")}`;

/** The first event of every job. It is not stored. */
export const firstEvent: NumberedEvent = {
  id: eventId(0, 0),
  event: { type: "status", status: "queued" },
};

/** The last event of every job. It is not stored, but created from the settled job. */
export const lastEventId = "9999-999999";

/** True if the text has the format of an event ID. */
export const isEventId = (text: string): boolean => /^\d{4}-\d{6}$/.test(text);

/** Writes an event unless its ID exists. */
export async function appendEvent(
  table: Table,
  clock: Clock,
  job: string,
  id: string,
  event: JobEvent,
): Promise<void> {
  const expires = Math.floor(clock.now() / 1000) + lifetimes.events;
  await table.insert({ ...rowKeys.event(job, id), data: event, expires });
}

/** Stored events after `after`, or all, oldest first. They are written by workers. */
export async function readEvents(
  table: Table,
  job: string,
  after: string | undefined,
  limit = 100,
): Promise<readonly NumberedEvent[]> {
  const { pk } = rowKeys.event(job, "");
  const rows = await table.query(pk, { limit, until: lastEventId, ...defined({ after }) });
  return rows.map((row) => ({ id: row.sk, event: parseRow(jobEventSchema, row).data }));
}
