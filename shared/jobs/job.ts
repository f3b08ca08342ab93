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

/** Change of the account's stored bytes when the job ends: the results replace their reservation. */
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
  /** True after the job has ended and its charge, batch line and webhook deliveries are stored. */
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

/** Creates a job as it is accepted, unless `facts` state more. */
export const newJob = (
  facts: Pick<Job, "id" | "account" | "queue" | "request" | "reserved" | "created_at"> & Partial<Job>,
): Job => ({
  status: "queued",
  attempt: 0,
  failures: 0,
  cancel_requested: false,
  results: [],
  has_preview: false,
  concluded: false,
  ...facts,
});

/** Maximum of a count or duration that a worker reports, far above that of any job. */
const largest = 1e9;
const side = z.number().int().min(1).max(100_000);
const shortText = z.string().transform((text) => text.slice(0, 5000));

/**
 * The state of an open job, in a separate row, the only one of the job that a worker reads and writes. It is
 * untrusted: its sizes are limited, and other rows determine the maximum charge.
 */
export const runSchema = jobSchema
  .pick({
    id: true,
    account: true,
    queue: true,
    request: true,
    created_at: true,
    cancel_at: true,
    cancel_requested: true,
    trace: true,
    status: true,
    started_at: true,
    lease: true,
    attempt: true,
    failures: true,
    kills: true,
    enqueued_at: true,
    has_preview: true,
    has_thumbnail: true,
    has_lut: true,
    text_guidance: true,
    reserved_bytes: true,
  })
  .extend({
    measured: z
      .object({
        compute_seconds: z.number().nonnegative().max(largest),
        steps: z.number().int().nonnegative().max(largest),
      })
      .optional(),
    progress: progressSchema.extend({ stage: shortText }).optional(),
    results: z.array(
      storedResultSchema.extend({
        width: side,
        height: side,
        bytes: z.number().int().nonnegative().max(largest).optional(),
      }),
    ),
    caption: shortText.optional(),
    warnings: z
      .array(shortText)
      .transform((all) => all.slice(0, 20))
      .optional(),
    error: z.object({ code: shortText, message: shortText }).optional(),
    last_failure: shortText.optional(),
  });
export type Run = z.infer<typeof runSchema>;

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
