import type { VisibleError } from "../../shared/errors.ts";
import { deriveId } from "../../shared/ids.ts";
import { insertLine } from "../../shared/jobs/line-row.ts";
import type { StoredBatch, StoredLine } from "../../shared/resources/batch.ts";
import type { BatchPorts } from "./batch-ports.ts";

/** ID of a line's edit, derived from batch and line, so that submitting it twice creates one edit. */
export const lineJobId = (batch: string, line: number): string => deriveId("edit", batch, String(line));

/** Ends a line that was not submitted, with the reason. A line that has already ended is not changed. */
export const failLine = (
  ports: BatchPorts,
  batch: StoredBatch,
  line: number,
  { code, message }: VisibleError,
  reserved: number,
): Promise<void> => endLine(ports, batch, { line, reserved, status: "failed", error: { code, message } });

/** Ends a line without an edit. */
export const endLine = (
  { table, clock }: BatchPorts,
  { id }: StoredBatch,
  line: Pick<StoredLine, "line" | "reserved" | "bytes" | "status" | "error">,
): Promise<void> => insertLine(table, clock, id, { ...line, job: lineJobId(id, line.line), results: [] });
