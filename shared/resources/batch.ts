import { z } from "zod";
import { idSchema } from "../ids.ts";
import { editOptionsSchema } from "./edit.ts";
import {
  instructionIdSchema,
  jobErrorSchema,
  metadataSchema,
  nameSchema,
  timeSchema,
  uploadIdSchema,
  urlsSchema,
  webhookUrlSchema,
} from "./fields.ts";

/** Lines of one batch. */
export const maximumLines = 100_000;

export const scheduleSchema = z
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
  .refine(({ at, cron }) => (at === undefined) !== (cron === undefined), { error: "give either at or cron" });
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
    schedule: scheduleSchema.optional().describe("When to run; at once when absent."),
    name: nameSchema.optional(),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(
    ({ images, manifest, prefix }) =>
      [images, manifest, prefix].filter((source) => source !== undefined).length === 1,
    { error: "give exactly one of images, manifest and prefix", path: ["images"] },
  );
export type CreateBatch = z.infer<typeof createBatchSchema>;

export const manifestLineSchema = z.strictObject({
  image: uploadIdSchema,
  custom_id: z.string().min(1).max(200).optional(),
});

export const batchStatusSchema = z.enum([
  "scheduled",
  "paused",
  "queued",
  "running",
  "succeeded",
  "failed",
  "canceled",
]);

export const batchCountsSchema = z.object({
  total: z.number().int(),
  succeeded: z.number().int(),
  failed: z.number().int(),
  canceled: z.number().int(),
});

export const batchSchema = z.object({
  id: idSchema("batch"),
  object: z.literal("batch"),
  status: batchStatusSchema,
  name: z.string().optional(),
  instruction: instructionIdSchema,
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  urls: urlsSchema.omit({ events: true }),
  counts: batchCountsSchema.optional().describe("Of the images; a schedule has none, its runs do."),
  schedule_of: idSchema("batch").optional().describe("Of a schedule's run: the schedule."),
  schedule: scheduleSchema.optional(),
  next_run_at: timeSchema.optional(),
  output_url: z.url().optional().describe("One JSON line for each image that succeeded."),
  errors_url: z.url().optional().describe("One JSON line for each image that did not."),
  error: jobErrorSchema.optional(),
  metadata: metadataSchema.optional(),
});
export type BatchResource = z.infer<typeof batchSchema>;

/** A batch's row. */
export const storedBatchSchema = z.object({
  id: z.string(),
  account: z.string(),
  status: batchStatusSchema,
  request: z.object(createBatchSchema.shape),
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  cancel_requested: z.boolean(),
  counts: batchCountsSchema,
  /** Lines that may be with the queue: written before they are handed in, so that none is forgotten. */
  next_line: z.number().int(),
  /** Lines that surely were handed in. */
  submitted: z.number().int(),
  /** Leading lines that are all done, and counted. */
  settled: z.number().int(),
  schedule_of: z.string().optional(),
  next_run_at: timeSchema.optional(),
  error: jobErrorSchema.optional(),
  /** Seconds, for its lines; the usual time when absent. */
  keep_results: z.number().int().positive().optional(),
});
export type StoredBatch = z.infer<typeof storedBatchSchema>;
