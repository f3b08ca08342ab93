/**
 * Fields that several resources share. JSON is snake_case, times are ISO 8601 in UTC, durations are seconds.
 */
import { z } from "zod";
import { idSchema } from "../ids.ts";

export const timeSchema = z.iso.datetime({ error: "must be a UTC time like 2026-01-31T09:30:00Z" });

export const statusSchema = z
  .enum(["queued", "running", "succeeded", "failed", "canceled"])
  .meta({ id: "JobStatus" });
type Status = z.infer<typeof statusSchema>;

export const isTerminal = (status: Status): boolean => status !== "queued" && status !== "running";

export const nameSchema = z.string().trim().min(1).max(200);

const metadataKeySchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/,
    "must have 1 to 64 letters, digits and _.:-, starting with a letter or digit",
  );
export const metadataSchema = z
  .record(metadataKeySchema, z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 20, "must have at most 20 keys")
  .describe("Up to 20 key-value pairs, stored and returned unchanged.");

export const webhookUrlSchema = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .describe(
    "URL to notify when the job ends, in addition to the account's webhooks. It must be https and publicly reachable.",
  );

export const seedSchema = z
  .number()
  .int()
  .min(0)
  .max(4_294_967_295)
  .describe("The same seed gives the same result. Default: 0.");

export const urlsSchema = z
  .object({ self: z.url(), cancel: z.url(), events: z.url() })
  .meta({ id: "JobUrls" });

export const progressSchema = z
  .object({
    stage: z.string().describe("`prepare`, `prepare_samples` and `learn`, or `edit`."),
    step: z.number().int().nonnegative().describe("Completed steps of this stage."),
    steps: z.number().int().nonnegative().describe("Total steps of this stage."),
    loss: z.number().optional().describe("Loss of this step, while learning."),
    eta_seconds: z
      .number()
      .nonnegative()
      .optional()
      .describe(
        "Approximate time until the end of the stage; in `prepare_samples`, until the end of the job.",
      ),
  })
  .meta({ id: "JobProgress" });

export const jobErrorSchema = z
  .object({ code: z.string(), message: z.string() })
  .describe("Reason of the failure: a stable code, and a message with the cause and what to do.")
  .meta({ id: "JobError" });

/** Measured usage of a job. */
export const usageSchema = z
  .object({
    compute_seconds: z.number().nonnegative(),
    steps: z.number().int().nonnegative().describe("Learning steps, or sampling steps of all results."),
    images: z.number().int().nonnegative().describe("Number of results."),
    pixels: z.number().int().nonnegative().default(0).describe("Pixels of all results."),
    credits: z.number().int().nonnegative().describe("Charge, in millionths of a US dollar."),
  })
  .meta({ id: "Usage" });
export const costSchema = z
  .number()
  .int()
  .nonnegative()
  .describe("Credits reserved when the job was accepted. The charge, `usage.credits`, is never higher.");
export type Usage = z.infer<typeof usageSchema>;

export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(300).optional().describe("`next_cursor` of the previous page."),
});

export const jobsQuerySchema = pageQuerySchema.extend({
  status: statusSchema.optional().describe("Return only jobs with this status."),
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    data: z.array(item),
    next_cursor: z.string().optional().describe("Absent on the last page."),
  });

export const uploadIdSchema = idSchema("upload");
export const instructionIdSchema = idSchema("instruction");
