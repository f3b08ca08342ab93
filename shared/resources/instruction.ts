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

export const createInstructionSchema = z
  .strictObject({
    pairs: z
      .array(z.strictObject({ before: uploadIdSchema, after: uploadIdSchema }).meta({ id: "Pair" }))
      .min(1)
      .max(8)
      .describe("Uploads of the same picture before and after the edit; more pairs make it more general."),
    name: nameSchema.optional(),
    init: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .optional()
      .describe(
        "Words to start from. When absent, what the model's pair encoder reads off the pairs, or the model's own words.",
      ),
    steps: z
      .number()
      .int()
      .min(0)
      .max(2000)
      .optional()
      .describe(
        "Learning steps; the model's own when absent. 0 takes what the model's pair encoder reads off the pairs, if it has one.",
      ),
    seed: seedSchema.optional(),
    space: z
      .enum(["text", "kv"])
      .optional()
      .describe(
        "What is learned: rows of the text embedding (`text`, the default), or the keys and values that the model's attentions make of them (`kv`).",
      ),
    learning_rate: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe("AdamW's learning rate; the model's own when absent."),
    text_guidance: z
      .number()
      .min(0)
      .max(30)
      .optional()
      .describe(
        "Text guidance inside the loss, and for edits by the instruction; the model's own when absent.",
      ),
    image_guidance: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe("Image guidance inside the loss; the model's own when absent."),
    clip_weight: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe(
        "Weight of the CLIP loss; 0.1 when absent. In the space `kv` there is none, so it must be 0 there.",
      ),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(({ space, clip_weight }) => space !== "kv" || !clip_weight, {
    error: "the space kv has no CLIP loss; leave clip_weight out",
    path: ["clip_weight"],
  })
  .meta({ id: "CreateInstruction" });

export const importInstructionSchema = z
  .strictObject({
    upload: uploadIdSchema.describe("Of a `.visii` file, as `application/vnd.visii`."),
    name: nameSchema.optional(),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .meta({ id: "ImportInstruction" });

export const patchInstructionSchema = z
  .strictObject({ name: nameSchema.optional(), metadata: metadataSchema.optional() })
  .refine(({ name, metadata }) => name !== undefined || metadata !== undefined, {
    error: "give a name, metadata, or both",
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
  queue_position: z.number().int().optional().describe("Jobs before this one in its queue, about."),
  preview_url: z.url().optional().describe("The before image, edited by what is learned so far."),
  thumbnail_url: z.url().optional().describe("The first pair, side by side: a JPEG of 384×192 pixels."),
  lut_url: z
    .url()
    .optional()
    .describe(
      "A 3D lookup table (`.cube`) that repeats the edit, where the pairs are a change of colors alone.",
    ),
  text_guidance: z
    .number()
    .optional()
    .describe("What edits by it use where they name no `text_guidance`: what it was learned under."),
  caption: z.string().optional().describe("The words it started from."),
  warnings: z
    .array(z.string())
    .optional()
    .describe(
      "What is odd about the pairs or the learning, in sentences: pictures that do not lie on each other, a loss that did not fall.",
    ),
  file_url: z.url().optional().describe("The `.visii` file."),
  losses: z.array(lossPointSchema).optional(),
  error: jobErrorSchema.optional(),
  cost: costSchema,
  usage: usageSchema.optional(),
});
export type InstructionResource = z.infer<typeof instructionSchema>;
