import { z } from "zod";
import { idSchema } from "../ids.ts";
import { spenderSchema } from "../spender.ts";
import { editOptionsSchema } from "./edit.ts";
import {
  instructionIdSchema,
  jobErrorSchema,
  metadataSchema,
  nameSchema,
  statusSchema,
  timeSchema,
  uploadIdSchema,
  urlsSchema,
  usageSchema,
  webhookUrlSchema,
} from "./fields.ts";
import { filePrefixSchema } from "./upload.ts";

/** Maximum number of lines in a batch. */
export const maxLines = 100_000;

const scheduleSchema = z
  .strictObject({
    at: timeSchema.optional().describe("Run once, at this time."),
    cron: z
      .string()
      .trim()
      .min(9)
      .max(100)
      .optional()
      .describe("Cron expression with five fields. `0 3 * * *` runs daily at 03:00."),
    time_zone: z.string().max(64).optional().describe("IANA time zone of the cron expression. Default: UTC."),
  })
  .refine(({ at, cron }) => (at === undefined) !== (cron === undefined), {
    error: "must have exactly one of at and cron",
  })
  .meta({ id: "Schedule", description: "When to run: once (`at`) or repeatedly (`cron`). Default: now." });
export type Schedule = z.infer<typeof scheduleSchema>;

export const createBatchSchema = z
  .strictObject({
    instruction: instructionIdSchema,
    images: z.array(uploadIdSchema).min(1).max(1000).optional().describe("Completed uploads."),
    manifest: uploadIdSchema
      .optional()
      .describe('A completed upload of JSON Lines. Each line: `{"image": "upl_…", "custom_id": "…"}`.'),
    upload_prefix: filePrefixSchema
      .optional()
      .describe(
        "Every completed upload whose `name` starts with this. Each run of a schedule edits the uploads that were completed since its previous run, the first run those completed since the schedule was created. Each upload is edited once. A run without new uploads is skipped.",
      ),
    prefix: filePrefixSchema
      .refine((prefix) => !prefix.split("/").includes(".."), "must not contain '..'")
      .optional()
      .describe(
        "Every image in the account's folder of the bucket (`drops/acc_…/`) whose name starts with this prefix.",
      ),
    options: editOptionsSchema.optional(),
    schedule: scheduleSchema.optional(),
    name: nameSchema.optional(),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(
    ({ images, manifest, prefix, upload_prefix }) =>
      [images, manifest, prefix, upload_prefix].filter((source) => source !== undefined).length === 1,
    { error: "must have exactly one of images, manifest, prefix and upload_prefix", path: ["images"] },
  )
  .meta({ id: "CreateBatch" });

export const manifestLineSchema = z.strictObject({
  image: uploadIdSchema,
  custom_id: z.string().min(1).max(200).optional(),
});

const batchStatusSchema = z
  .enum(["scheduled", "paused", "queued", "running", "succeeded", "failed", "canceled"])
  .meta({ id: "BatchStatus" });

export const batchCountsSchema = z
  .object({
    total: z.number().int(),
    succeeded: z.number().int(),
    failed: z.number().int(),
    canceled: z.number().int(),
  })
  .meta({ id: "BatchCounts", description: "Numbers of images. A schedule has no counts; its runs do." });

export const batchSchema = z.object({
  id: idSchema("batch"),
  object: z.literal("batch"),
  status: batchStatusSchema,
  name: z.string().optional(),
  instruction: instructionIdSchema,
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  urls: urlsSchema.omit({ events: true }).meta({ id: "BatchUrls" }),
  counts: batchCountsSchema.optional(),
  schedule_of: idSchema("batch").optional().describe("For a run of a schedule: the schedule's ID."),
  schedule: scheduleSchema.optional(),
  next_run_at: timeSchema.optional(),
  output_url: z
    .url()
    .optional()
    .describe(
      "JSON Lines, one for each image that succeeded so far. This URL and the URLs in its lines do not expire and require an API key.",
    ),
  errors_url: z.url().optional().describe("JSON Lines, one for each image that failed or was canceled."),
  error: jobErrorSchema.optional(),
  metadata: metadataSchema.optional(),
});
export type BatchResource = z.infer<typeof batchSchema>;

/** A line of the output, as the API returns it. */
export const batchLineSchema = z.object({
  line: z.number().int().describe("Position in the batch, from 0."),
  edit: idSchema("edit").describe("The line's edit. It does not exist if the line could not be submitted."),
  status: statusSchema,
  custom_id: z.string().optional(),
  results: z
    .array(
      z
        .object({
          url: z.url().describe("Valid as long as the result exists. Requires an API key."),
          width: z.number().int(),
          height: z.number().int(),
        })
        .meta({ id: "BatchLineResult" }),
    )
    .optional(),
  error: jobErrorSchema.optional(),
  usage: usageSchema.optional(),
});
export type BatchLine = z.infer<typeof batchLineSchema>;

/**
 * A line that has ended: stored as a row until it is written to a part of the output, then as an entry of
 * that part.
 */
export const storedLineSchema = z.object({
  line: z.number().int(),
  /** ID of its edit, which does not exist if the line could not be submitted. */
  job: z.string(),
  status: statusSchema,
  results: z.array(z.object({ width: z.number().int(), height: z.number().int() })),
  error: jobErrorSchema.optional(),
  custom_id: z.string().optional(),
  /** Reserved credits; 0 if it was not submitted. */
  reserved: z.number().int().nonnegative(),
  usage: usageSchema.optional(),
  /** By how much the account's stored bytes change when it is charged. */
  bytes: z.number().int().optional(),
});
export type StoredLine = z.infer<typeof storedLineSchema>;

/** Lines that have been counted but not charged yet. They are charged together. */
const unchargedSchema = z.object({
  /** Number of lines with a reservation. */
  jobs: z.number().int(),
  /** Number of lines with a charge. */
  charged: z.number().int(),
  reserved: z.number().int(),
  usage: usageSchema,
  /** By how much the account's stored bytes change when they are charged. */
  bytes: z.number().int().default(0),
});
export type Uncharged = z.infer<typeof unchargedSchema>;

/**
 * A batch's row. It contains the reservation of its lines and the progress of each step, so that one write
 * updates them together.
 */
export const storedBatchSchema = z.object({
  id: z.string(),
  account: z.string(),
  status: batchStatusSchema,
  /** `images` is removed once they are stored as lines. */
  request: z.object(createBatchSchema.shape),
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  cancel_requested: z.boolean(),
  counts: batchCountsSchema,
  /** Lines before this one have a reservation, or failed before they could get one. */
  next_line: z.number().int(),
  /** Lines before this one have been submitted. */
  submitted: z.number().int(),
  /** Reservation of each line from `submitted` to `next_line`; 0 for lines that will not be submitted. */
  costs: z.array(z.number().int()).default([]),
  /** Bytes reserved for the results of each of these lines. */
  result_bytes: z.array(z.number().int()).default([]),
  /** Lines before this one have ended and are counted. */
  settled: z.number().int(),
  uncharged: unchargedSchema.optional(),
  /** Lines before this one are written to the output. */
  written: z.number().int().default(0),
  /** Present on a deleted batch, which the API no longer returns: lines before this one are erased. */
  erased: z.number().int().optional(),
  /**
   * With `upload_prefix`: positions of the named uploads that a batch or run edits. A schedule's next run
   * begins after `until`.
   */
  uploads: z.object({ after: z.number().int(), until: z.number().int() }).optional(),
  /** Why the last lines with cost 0 have no reservation. */
  uncovered: z.enum(["insufficient_credit", "spend_limit_reached", "storage_full"]).optional(),
  /** Present if the batch counts towards the limit of the key that created it. */
  spender: spenderSchema.optional(),
  schedule_of: z.string().optional(),
  next_run_at: timeSchema.optional(),
  error: jobErrorSchema.optional(),
  /** Retention of its lines' results, in seconds; the default retention when absent. */
  keep_results: z.number().int().positive().optional(),
});
export type StoredBatch = z.infer<typeof storedBatchSchema>;

/** Number of lines in one part of a batch's input and output. */
export const partLines = 1000;
