import { z } from "zod";
import { idSchema } from "../ids.ts";
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

/** Lines of one batch. */
export const maximumLines = 100_000;

const scheduleSchema = z
  .strictObject({
    at: timeSchema.optional().describe("Once, at this time."),
    cron: z
      .string()
      .trim()
      .min(9)
      .max(100)
      .optional()
      .describe("Five fields, as cron has them: `0 3 * * *` is three in the morning."),
    time_zone: z
      .string()
      .max(64)
      .optional()
      .describe("IANA name that the cron's hours are in; UTC when absent."),
  })
  .refine(({ at, cron }) => (at === undefined) !== (cron === undefined), { error: "give either at or cron" })
  .meta({ id: "Schedule", description: "When to run: `at` a time, or by `cron`. At once when absent." });
export type Schedule = z.infer<typeof scheduleSchema>;

export const createBatchSchema = z
  .strictObject({
    instruction: instructionIdSchema,
    images: z.array(uploadIdSchema).min(1).max(1000).optional().describe("Uploads that are complete."),
    manifest: uploadIdSchema
      .optional()
      .describe('An upload of JSON lines: `{"image": "upl_…", "custom_id": "…"}` each.'),
    prefix: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9!_.*'() /-]*$/, "letters, digits and !_.*'() /- only")
      .refine((prefix) => !prefix.split("/").includes(".."), "must not climb")
      .optional()
      .describe(
        "Every picture in the account's own folder of the bucket (`drops/acc_…/`) whose name begins so.",
      ),
    options: editOptionsSchema.optional(),
    schedule: scheduleSchema.optional(),
    name: nameSchema.optional(),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(
    ({ images, manifest, prefix }) =>
      [images, manifest, prefix].filter((source) => source !== undefined).length === 1,
    { error: "give exactly one of images, manifest and prefix", path: ["images"] },
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
  .meta({ id: "BatchCounts", description: "Of a batch's images. A schedule has none; its runs do." });

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
  schedule_of: idSchema("batch").optional().describe("Of a schedule's run: the schedule."),
  schedule: scheduleSchema.optional(),
  next_run_at: timeSchema.optional(),
  output_url: z
    .url()
    .optional()
    .describe(
      "One JSON line for each image that succeeded, those of a running batch too. The address lasts and takes an API key, like those in its lines.",
    ),
  errors_url: z.url().optional().describe("One JSON line for each image that did not succeed."),
  error: jobErrorSchema.optional(),
  metadata: metadataSchema.optional(),
});
export type BatchResource = z.infer<typeof batchSchema>;

/** A line of the output, as callers read it. */
export const batchLineSchema = z.object({
  line: z.number().int().describe("Place in the batch, from 0."),
  edit: idSchema("edit").describe("Its edit; none was made when the line could not be submitted."),
  status: statusSchema,
  custom_id: z.string().optional(),
  results: z
    .array(
      z
        .object({
          url: z.url().describe("Lasts as long as the result does, and takes an API key."),
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

/** A line that has ended: its row until it is in a part of the output, and an entry of that part. */
export const storedLineSchema = z.object({
  line: z.number().int(),
  /** Its edit; there is none by that id when the line could not be submitted. */
  job: z.string(),
  status: statusSchema,
  results: z.array(z.object({ width: z.number().int(), height: z.number().int() })),
  error: jobErrorSchema.optional(),
  custom_id: z.string().optional(),
  /** Credits that were reserved for it; 0 when it was not submitted. */
  reserved: z.number().int().nonnegative(),
  usage: usageSchema.optional(),
});
export type StoredLine = z.infer<typeof storedLineSchema>;

/** Lines that have been counted and not charged yet: they are charged together. */
export const unchargedSchema = z.object({
  /** Those with a reservation. */
  jobs: z.number().int(),
  /** Those with a charge. */
  charged: z.number().int(),
  reserved: z.number().int(),
  usage: usageSchema,
});
export type Uncharged = z.infer<typeof unchargedSchema>;

/** A batch's row. It keeps the reservation of its lines and how far each step has come, so one write moves them together. */
export const storedBatchSchema = z.object({
  id: z.string(),
  account: z.string(),
  status: batchStatusSchema,
  /** Without `images` once they are stored as lines. */
  request: z.object(createBatchSchema.shape),
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  cancel_requested: z.boolean(),
  counts: batchCountsSchema,
  /** Lines before this one are reserved for, or have failed before that. */
  next_line: z.number().int(),
  /** Lines before this one have been submitted. */
  submitted: z.number().int(),
  /** What is reserved for each line from `submitted` to `next_line`; 0 for those that are not to be submitted. */
  costs: z.array(z.number().int()).default([]),
  /** Lines before this one have ended and are counted. */
  settled: z.number().int(),
  uncharged: unchargedSchema.optional(),
  /** Lines before this one are in parts of the output. */
  written: z.number().int().default(0),
  /** Of a deleted batch, which nobody is shown any more: lines before this one are erased. */
  erased: z.number().int().optional(),
  schedule_of: z.string().optional(),
  next_run_at: timeSchema.optional(),
  error: jobErrorSchema.optional(),
  /** Seconds, for its lines; the usual time when absent. */
  keep_results: z.number().int().positive().optional(),
});
export type StoredBatch = z.infer<typeof storedBatchSchema>;

/** Lines of one part of a batch's input and output. */
export const partLines = 1000;
