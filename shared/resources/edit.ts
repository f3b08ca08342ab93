import { z } from "zod";
import { idSchema } from "../ids.ts";
import {
  costSchema,
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

const outputFormats = ["png", "jpeg", "webp"] as const;
export type OutputFormat = (typeof outputFormats)[number];

export const samplers = [
  "euler-ancestral",
  "euler",
  "heun",
  "ddim",
  "dpmpp-2m-karras",
  "unipc",
  "lcm",
] as const;

/** How an edit is made; what is absent is the model's recommendation. */
export const editOptionsSchema = z
  .strictObject({
    text: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .optional()
      .describe("Words, alone or mixed with the instruction."),
    mixing: z
      .enum(["joined", "in-turn"])
      .optional()
      .describe(
        "How words are added to an instruction: `joined` in one text, or `in-turn`, a second edit that counts its own steps. The model's own when absent, as for all below.",
      ),
    text_guidance: z.number().min(0).max(30).optional().describe("How strongly instruction and words pull."),
    image_guidance: z.number().min(0).max(10).optional().describe("How strongly the picture holds."),
    steps: z.number().int().min(1).max(100).optional().describe("Sampling steps."),
    scheduler: z
      .enum(samplers)
      .optional()
      .describe(
        "The sampler. `heun` evaluates the model twice at all steps but the last, and each evaluation counts as a step. `lcm` is for models distilled for it.",
      ),
    negative: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .optional()
      .describe("What the results should not be; it works where guidance is above 1."),
    strength: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe(
        "The share of the steps that is made, from the picture under that much noise; 1 when absent.",
      ),
    noise: z
      .enum(["fixed", "fresh"])
      .optional()
      .describe("`fixed`: the noise that the instruction was learned under."),
    seed: seedSchema.optional(),
    count: z
      .number()
      .int()
      .min(1)
      .max(4)
      .optional()
      .describe("Results for each image; above 1 the noise is fresh."),
    format: z.enum(outputFormats).optional().describe("`png` when absent."),
  })
  .meta({ id: "EditOptions" });

export const createEditSchema = editOptionsSchema
  .extend({
    instruction: instructionIdSchema.optional(),
    images: z.array(uploadIdSchema).min(1).max(16).describe("Uploads that are complete."),
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
  })
  .meta({ id: "CreateEdit" });

export const editResultSchema = z
  .object({
    input: uploadIdSchema.describe("The picture that it was made of."),
    url: z.url().describe("A signed link; whoever holds it may read."),
    width: z.number().int(),
    height: z.number().int(),
    expires_at: timeSchema.describe("When the link stops; a new look gives a new one."),
  })
  .meta({ id: "EditResult" });

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
  queue_position: z.number().int().optional().describe("Jobs before this one in its queue, about."),
  results: z.array(editResultSchema).describe("Those that are done, also while others are not."),
  results_expire_at: timeSchema
    .optional()
    .describe(
      "When the results are deleted. A link's own `expires_at` is sooner; a new look gives a new link.",
    ),
  expired: z.boolean().optional().describe("True once the results were deleted."),
  error: jobErrorSchema.optional(),
  cost: costSchema,
  usage: usageSchema.optional(),
});
export type EditResource = z.infer<typeof editSchema>;
