import { z } from "zod";
import { idSchema } from "../ids.ts";
import {
  instructionIdSchema,
  jobErrorSchema,
  metadataSchema,
  progressSchema,
  seedSchema,
  statusSchema,
  timeSchema,
  uploadIdSchema,
  urlsSchema,
  usageSchema,
  webhookUrlSchema,
} from "./fields.ts";

export const outputFormats = ["png", "jpeg", "webp"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** How an edit is made; what is absent is the model's recommendation. */
export const editOptionsSchema = z.strictObject({
  /** Words, alone or mixed with the instruction. */
  text: z.string().trim().min(1).max(300).optional(),
  text_guidance: z.number().min(0).max(30).optional(),
  image_guidance: z.number().min(0).max(10).optional(),
  steps: z.number().int().min(1).max(100).optional(),
  noise: z.enum(["fixed", "fresh"]).optional(),
  seed: seedSchema.optional(),
  /** Results for each image; above 1 the noise is fresh. */
  count: z.number().int().min(1).max(4).optional(),
  format: z.enum(outputFormats).optional(),
});
export type EditOptions = z.infer<typeof editOptionsSchema>;

export const createEditSchema = editOptionsSchema
  .extend({
    instruction: instructionIdSchema.optional(),
    images: z.array(uploadIdSchema).min(1).max(16),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(({ instruction, text }) => instruction !== undefined || text !== undefined, {
    error: "give an instruction, a text, or both",
    path: ["instruction"],
  })
  .refine(({ count, noise }) => noise !== "fixed" || (count ?? 1) === 1, {
    error: "fixed noise gives the same picture each time; ask for fresh noise or for one",
    path: ["count"],
  });
export type CreateEdit = z.infer<typeof createEditSchema>;

export const editResultSchema = z.object({
  input: uploadIdSchema,
  url: z.url(),
  width: z.number().int(),
  height: z.number().int(),
  expires_at: timeSchema,
});

export const editSchema = z.object({
  id: idSchema("edit"),
  object: z.literal("edit"),
  status: statusSchema,
  instruction: instructionIdSchema.optional(),
  metadata: metadataSchema.optional(),
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  urls: urlsSchema,
  progress: progressSchema.optional(),
  queue_position: z.number().int().optional(),
  /** Those that are done, also while others are not. */
  results: z.array(editResultSchema),
  /** When the results are deleted. A link's own `expires_at` is sooner; a new look gives a new link. */
  results_expire_at: timeSchema.optional(),
  /** They were: there are no results any more. */
  expired: z.boolean().optional(),
  error: jobErrorSchema.optional(),
  usage: usageSchema.optional(),
});
export type EditResource = z.infer<typeof editSchema>;
