import { z } from "zod";
import { idSchema } from "../ids.ts";
import {
  costSchema,
  jobErrorSchema,
  metadataSchema,
  nameSchema,
  progressSchema,
  seedSchema,
  statusSchema,
  timeSchema,
  uploadIdSchema,
  urlsSchema,
  usageSchema,
  webhookUrlSchema,
} from "./fields.ts";

/** Schemas of instructions in the API. */
export const createInstructionSchema = z
  .strictObject({
    pairs: z
      .array(z.strictObject({ before: uploadIdSchema, after: uploadIdSchema }).meta({ id: "Pair" }))
      .min(1)
      .max(8)
      .describe(
        "Completed uploads of the same photo before and after the edit. More pairs make the instruction more general.",
      ),
    name: nameSchema.optional(),
    init: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .optional()
      .describe(
        "Initial prompt. Default: the output of the model's pair encoder, if it has one, otherwise the model's default prompt.",
      ),
    steps: z
      .number()
      .int()
      .min(0)
      .max(2000)
      .optional()
      .describe(
        "Learning steps. Default: the model's setting. 0 uses the output of the model's pair encoder, if it has one, without learning.",
      ),
    seed: seedSchema.optional(),
    space: z
      .enum(["text", "kv"])
      .optional()
      .describe(
        "What is learned: `text`, rows of the text embedding (default), or `kv`, the keys and values of the cross-attention layers.",
      ),
    learning_rate: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe("Learning rate of AdamW. Default: the model's setting."),
    text_guidance: z
      .number()
      .min(0)
      .max(30)
      .optional()
      .describe(
        "Text guidance scale in the loss, and for edits with the instruction. Default: the model's setting.",
      ),
    image_guidance: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe("Image guidance scale in the loss. Default: the model's setting."),
    clip_weight: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe(
        "Weight of the CLIP loss. Default: 0.1. The space `kv` has no CLIP loss, so it must be 0 or absent there.",
      ),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(({ space, clip_weight }) => space !== "kv" || !clip_weight, {
    error: "must be 0 or absent, because the space kv has no CLIP loss",
    path: ["clip_weight"],
  })
  .meta({ id: "CreateInstruction" });

export const importInstructionSchema = z
  .strictObject({
    upload: uploadIdSchema.describe(
      "A completed upload of a `.visii` file, with content type `application/vnd.visii`.",
    ),
    name: nameSchema.optional(),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .meta({ id: "ImportInstruction" });

export const patchInstructionSchema = z
  .strictObject({ name: nameSchema.optional(), metadata: metadataSchema.optional() })
  .refine(({ name, metadata }) => name !== undefined || metadata !== undefined, {
    error: "must have a name, metadata, or both",
  })
  .meta({ id: "UpdateInstruction" });

export const lossPointSchema = z
  .object({
    step: z.number().int(),
    loss: z.number(),
    validation: z.number().optional(),
  })
  .meta({ id: "LossPoint" });

export const instructionSchema = z.object({
  id: idSchema("instruction"),
  object: z.literal("instruction"),
  status: statusSchema,
  name: z.string().optional(),
  metadata: metadataSchema.optional(),
  created_at: timeSchema,
  finished_at: timeSchema.optional(),
  urls: urlsSchema,
  progress: progressSchema.optional(),
  queue_position: z.number().int().optional().describe("Approximate number of jobs ahead in the queue."),
  preview_url: z.url().optional().describe("The before photo edited with the instruction learned so far."),
  thumbnail_url: z.url().optional().describe("The first pair, side by side: a JPEG of 384×192 pixels."),
  lut_url: z
    .url()
    .optional()
    .describe(
      "A 3D lookup table (`.cube`) that repeats the edit. Present if the pairs differ only in color.",
    ),
  text_guidance: z
    .number()
    .optional()
    .describe("Guidance scale used during learning. It is the default `text_guidance` of edits."),
  caption: z.string().optional().describe("The initial prompt."),
  warnings: z
    .array(z.string())
    .optional()
    .describe(
      "Problems found in the pairs or during learning, such as photos that are not aligned or a loss that did not decrease.",
    ),
  file_url: z.url().optional().describe("The `.visii` file."),
  losses: z.array(lossPointSchema).optional(),
  error: jobErrorSchema.optional(),
  cost: costSchema,
  usage: usageSchema.optional(),
});
export type InstructionResource = z.infer<typeof instructionSchema>;
