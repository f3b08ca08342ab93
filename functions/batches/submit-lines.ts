import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import { type Job, newJob } from "../../shared/jobs/job.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { readInput } from "./batch-input.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { lineImage } from "./line-images.ts";
import { failLine, lineJobId } from "./line-rows.ts";

/** Error messages of lines without a reservation. */
const reasons = {
  insufficient_credit:
    "The account's balance was too low for this line; add credit and edit the image again.",
  storage_full:
    "The account's storage was full; delete uploads or results that are no longer needed, and edit the image again.",
  spend_limit_reached:
    "The monthly limit of the batch's API key was reached; edit the image again with another key or next month.",
} as const;

/** Submits the opened lines as edits on the bulk queue. Idempotent, because each edit has a fixed ID. */
export async function submitLines(ports: BatchPorts, batch: StoredBatch): Promise<void> {
  const { account, request, submitted: first, next_line: until, costs, result_bytes } = batch;
  const lines = await readInput(ports.objects, batch, first, until);
  const jobs: Job[] = [];
  const code = batch.uncovered ?? "insufficient_credit";
  const uncovered = new VisibleError(code, reasons[code]);
  for (const [index, source] of lines.entries()) {
    const line = first + index;
    const reserved = costs[index] ?? 0;
    // A line that failed when it was opened keeps its first error.
    if (!reserved) await failLine(ports, batch, line, uncovered, 0);
    else
      jobs.push(
        newJob({
          id: lineJobId(batch.id, line),
          account,
          queue: "bulk",
          reserved,
          request: {
            kind: "edit",
            ...request.options,
            instruction: request.instruction,
            images: [lineImage(batch.id, line, source)],
          },
          created_at: toIso(ports.clock.now()),
          batch: { id: batch.id, line },
          ...defined({ keep_results: batch.keep_results, reserved_bytes: result_bytes[index] }),
        }),
      );
  }
  await ports.jobs.submitAll(jobs);
}
