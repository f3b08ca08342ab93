import { defined } from "../defined.ts";
import { lifetimes } from "../object-keys.ts";
import type { Clock } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import { type JobEvent, jobEventSchema } from "../resources/event.ts";
import { parseRow, rowKeys } from "../rows.ts";

export interface NumberedEvent {
  /** Sorts by time; `Last-Event-ID` gives it back. */
  readonly id: string;
  readonly event: JobEvent;
}

/** The id of event `index` of an attempt: later attempts sort after earlier ones. */
export const eventId = (attempt: number, index: number): string =>
  `${String(attempt).padStart(4, "0")}-${String(index).padStart(6, "0")}`;

/** The first event of every job: that it was accepted. It follows from the job's row and is stored nowhere. */
export const firstEvent: NumberedEvent = {
  id: eventId(0, 0),
  event: { type: "status", status: "queued" },
};

/** The last event of every job. */
export const lastEventId = "9999-999999";

/** Reads like an id that we gave. */
export const isEventId = (text: string): boolean => /^\d{4}-\d{6}$/.test(text);

/** Writes an event; one of that id that is there already stays. */
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

/** Events after `after`, oldest first; all, when it is undefined, but the first. */
export async function readEvents(
  table: Table,
  job: string,
  after: string | undefined,
  limit = 100,
): Promise<readonly NumberedEvent[]> {
  const { pk } = rowKeys.event(job, "");
  const rows = await table.query(pk, { limit, ...defined({ after }) });
  return rows.map((row) => ({ id: row.sk, event: parseRow(jobEventSchema, row).data }));
}
