/** Fields that several resources share. JSON is snake_case, times are ISO 8601 in UTC, durations are seconds. */
import { z } from "zod";
import { idSchema } from "../ids.ts";

export const timeSchema = z.iso.datetime();

export const statusSchema = z.enum(["queued", "running", "succeeded", "failed", "canceled"]);
export type Status = z.infer<typeof statusSchema>;

export const isTerminal = (status: Status): boolean => status !== "queued" && status !== "running";

export const nameSchema = z.string().trim().min(1).max(200);

/** The caller's own notes; we keep them and never read them. */
export const metadataSchema = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 20, "at most 20 keys");

/** Where to tell that the job has ended: an address of the public internet with https, besides the account's own webhooks. */
export const webhookUrlSchema = z.url({ protocol: /^https?$/ }).max(2000);

export const seedSchema = z.number().int().min(0).max(4_294_967_295);

export const urlsSchema = z.object({ self: z.url(), cancel: z.url(), events: z.url() });

export const progressSchema = z.object({
  stage: z.string(),
  step: z.number().int().nonnegative(),
  steps: z.number().int().nonnegative(),
  loss: z.number().optional(),
  eta_seconds: z.number().nonnegative().optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/** Why a job failed: the same code and sentence that the engine gave. */
export const jobErrorSchema = z.object({ code: z.string(), message: z.string() });
export type JobError = z.infer<typeof jobErrorSchema>;

/** What a job was measured to take. `credits` are millionths of a US dollar. */
export const usageSchema = z.object({
  compute_seconds: z.number().nonnegative(),
  steps: z.number().int().nonnegative(),
  images: z.number().int().nonnegative(),
  credits: z.number().int().nonnegative(),
});
export type Usage = z.infer<typeof usageSchema>;

export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  /** From the page before; opaque. */
  cursor: z.string().max(300).optional(),
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), next_cursor: z.string().optional() });

export const uploadIdSchema = idSchema("upload");
export const instructionIdSchema = idSchema("instruction");
