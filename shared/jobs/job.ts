import { z } from "zod";
import { lifetimes } from "../object-keys.ts";
import { toIso } from "../ports/clock.ts";
import { queueNames } from "../queue-timing.ts";
import { createEditSchema } from "../resources/edit.ts";
import {
  jobErrorSchema,
  progressSchema,
  statusSchema,
  timeSchema,
  usageSchema,
} from "../resources/fields.ts";
import { createInstructionSchema, importInstructionSchema } from "../resources/instruction.ts";

/** The caller's request, by kind of job. */
const jobRequestSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("learn"), ...createInstructionSchema.shape }),
  z.object({ kind: z.literal("import"), ...importInstructionSchema.shape }),
  z.object({ kind: z.literal("edit"), ...createEditSchema.shape }),
]);
export type JobRequest = z.infer<typeof jobRequestSchema>;

const storedResultSchema = z.object({
  input: z.string(),
  key: z.string(),
  width: z.number().int(),
  height: z.number().int(),
  /** Size of the file. */
  bytes: z.number().int().optional(),
});
export type StoredResult = z.infer<typeof storedResultSchema>;

/** Bytes that results count towards their account's storage. */
export const storedBytes = (results: readonly StoredResult[]): number =>
  results.reduce((sum, { bytes = 0 }) => sum + bytes, 0);

/** By how much the account's stored bytes change when the job ends: its results replace their reservation. */
export const bytesAtEnd = ({
  results,
  reserved_bytes = 0,
}: Pick<Job, "results" | "reserved_bytes">): number => storedBytes(results) - reserved_bytes;

/** Work of one attempt. */
const measuredSchema = usageSchema.pick({ compute_seconds: true, steps: true });
export type Measured = z.infer<typeof measuredSchema>;

export const jobSchema = z.object({
  id: z.string(),
  account: z.string(),
  status: statusSchema,
  queue: z.enum(Object.keys(queueNames) as [keyof typeof queueNames]),
  request: jobRequestSchema,
  created_at: timeSchema,
  started_at: timeSchema.optional(),
  finished_at: timeSchema.optional(),
  /** Deadline after which the job is canceled. */
  cancel_at: timeSchema.optional(),
  cancel_requested: z.boolean(),
  /** The attempt that owns the job, and when its lease expires. */
  lease: z.object({ owner: z.string(), until: timeSchema }).optional(),
  /** Number of attempts. */
  attempt: z.number().int().nonnegative(),
  /** Attempts that ended in a retryable failure. */
  failures: z.number().int().nonnegative(),
  /** Failures in which the compute process crashed or stopped responding. */
  kills: z.number().int().nonnegative().optional(),
  /** When its message was last sent. */
  enqueued_at: timeSchema.optional(),
  /** Work of the current or last attempt. */
  measured: measuredSchema.optional(),
  progress: progressSchema.optional(),
  results: z.array(storedResultSchema),
  has_preview: z.boolean(),
  has_thumbnail: z.boolean().optional(),
  has_lut: z.boolean().optional(),
  /** For a learned instruction: the initial prompt. */
  caption: z.string().optional(),
  /** For a learned instruction: the guidance scale during learning. */
  text_guidance: z.number().optional(),
  /** For a learned instruction: warnings about its pairs or its learning. */
  warnings: z.array(z.string()).optional(),
  error: jobErrorSchema.optional(),
  /** Reason of the last retryable failure. */
  last_failure: z.string().optional(),
  usage: usageSchema.optional(),
  /** Credits reserved when it was accepted. */
  reserved: z.number().int().nonnegative(),
  /** Bytes reserved for its results when it was accepted. */
  reserved_bytes: z.number().int().nonnegative().optional(),
  /** True after ledger, batch and webhooks have been updated. */
  concluded: z.boolean(),
  batch: z.object({ id: z.string(), line: z.number().int() }).optional(),
  /** `traceparent` of the request that created it. */
  trace: z.string().optional(),
  /** Retention of its results in seconds; the default when absent. */
  keep_results: z.number().int().positive().optional(),
  /** True after its results were deleted. */
  expired: z.boolean().optional(),
});
export type Job = z.infer<typeof jobSchema>;

/** Fields that a worker updates during an attempt. */
export type JobFacts = Partial<
  Pick<Job, "progress" | "results" | "has_preview" | "has_thumbnail" | "has_lut" | "measured">
>;

/** Expiry time of a job's results; undefined if it has not ended or has no results. */
export function resultsGoAt({
  finished_at,
  results,
  expired,
  keep_results = lifetimes.result,
}: Job): string | undefined {
  if (finished_at === undefined || !(results.length || expired)) return undefined;
  return toIso(Date.parse(finished_at) + keep_results * 1000);
}

/** The name of a job's resource in rows, paths and events. */
export const resourceOfKind = { learn: "instruction", import: "instruction", edit: "edit" } as const;

/** A message is a pointer to a job's row. */
export const jobMessageSchema = z.object({
  version: z.literal(1),
  job: z.string().regex(/^(ins|edt)_[0-9a-z]{26}$/),
  account: z.string().regex(/^acc_[0-9a-z]{26}$/),
  /** `traceparent`, for tools that see only the queue. */
  trace: z.string().optional(),
});
export type JobMessage = z.infer<typeof jobMessageSchema>;
