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

/** What the caller asked for, by the kind of work. */
export const jobRequestSchema = z.discriminatedUnion("kind", [
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
});
export type StoredResult = z.infer<typeof storedResultSchema>;

/** A job's row: what a resource shows, and what the queue, the ledger and the sweeper need besides. */
/** Work of one attempt. */
export const measuredSchema = usageSchema.pick({ compute_seconds: true, steps: true });
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
  /** The deadline after which it cancels itself. */
  cancel_at: timeSchema.optional(),
  cancel_requested: z.boolean(),
  /** Who works on it, and until when that is believed without another word. */
  lease: z.object({ owner: z.string(), until: timeSchema }).optional(),
  /** How often a worker has taken it. */
  attempt: z.number().int().nonnegative(),
  /** Attempts that ended in a retryable failure. */
  failures: z.number().int().nonnegative(),
  /** Those of them in which the computing process died or stopped responding. */
  kills: z.number().int().nonnegative().optional(),
  /** When it was last put on its queue. */
  enqueued_at: timeSchema.optional(),
  /** What the attempt in progress, or the last one, has computed so far. */
  measured: measuredSchema.optional(),
  progress: progressSchema.optional(),
  results: z.array(storedResultSchema),
  has_preview: z.boolean(),
  has_thumbnail: z.boolean().optional(),
  has_lut: z.boolean().optional(),
  /** Of an instruction that is done: the words it started from. */
  caption: z.string().optional(),
  /** Of an instruction that is done: the guidance that it was learned under. */
  text_guidance: z.number().optional(),
  /** Of an instruction that is done: what is odd about its pairs or its learning. */
  warnings: z.array(z.string()).optional(),
  error: jobErrorSchema.optional(),
  /** Of the last attempt that is to be tried again. */
  last_failure: z.string().optional(),
  usage: usageSchema.optional(),
  /** Credits set aside when it was accepted. */
  reserved: z.number().int().nonnegative(),
  /** The end has been told: ledger, webhooks, batch. */
  concluded: z.boolean(),
  batch: z.object({ id: z.string(), line: z.number().int() }).optional(),
  /** `traceparent` of the request that made it. */
  trace: z.string().optional(),
  /** Seconds for which its results are kept after its end; the usual time when absent. */
  keep_results: z.number().int().positive().optional(),
  /** The results are no longer there. */
  expired: z.boolean().optional(),
});
export type Job = z.infer<typeof jobSchema>;

/** What a worker writes down while it works. */
export type JobFacts = Partial<
  Pick<Job, "progress" | "results" | "has_preview" | "has_thumbnail" | "has_lut" | "measured">
>;

/** When the results of a job that has ended are deleted, or were; undefined while it has not, and where there never were any. */
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

/** On the queue travels a pointer; all else is read from the row, which is newer. */
export const jobMessageSchema = z.object({
  version: z.literal(1),
  job: z.string().regex(/^(ins|edt)_[0-9a-z]{26}$/),
  account: z.string().regex(/^acc_[0-9a-z]{26}$/),
  /** `traceparent`, for those who only see the queue. */
  trace: z.string().optional(),
});
export type JobMessage = z.infer<typeof jobMessageSchema>;
