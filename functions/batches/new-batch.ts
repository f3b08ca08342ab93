import type { StoredBatch } from "../../shared/resources/batch.ts";

type NewBatch = Pick<StoredBatch, "id" | "account" | "request" | "created_at" | "status"> &
  Partial<Pick<StoredBatch, "schedule_of" | "next_run_at" | "keep_results" | "spender" | "uploads">>;

/** A batch without progress. */
export const newBatch = (given: NewBatch): StoredBatch => ({
  ...given,
  cancel_requested: false,
  counts: { total: given.request.images?.length ?? 0, succeeded: 0, failed: 0, canceled: 0 },
  next_line: 0,
  submitted: 0,
  costs: [],
  result_bytes: [],
  settled: 0,
  written: 0,
});
