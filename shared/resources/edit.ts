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

/** Options of an edit. An absent option uses the model's default. */
export const editOptionsSchema = z
  .strictObject({
    text: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .optional()
      .describe("Text prompt, alone or combined with the instruction."),
    mixing: z
      .enum(["joined", "in-turn"])
      .optional()
      .describe(
        "How the text prompt is combined with the instruction. `joined`: in one embedding. `in-turn`: as a second edit with its own steps. This and the options below default to the model's own settings.",
      ),
    text_guidance: z.number().min(0).max(30).optional().describe("Guidance scale of instruction and text."),
    image_guidance: z.number().min(0).max(10).optional().describe("Guidance scale of the input image."),
    guidance_interval: z
      .array(z.number().min(0).max(1))
      .length(2)
      .refine(([from, to]) => from! <= to!, {
        error: "must be in order: the first number at most the second",
      })
      .optional()
      .describe(
        "The part of the sampling that is guided, as fractions of its steps in order: 0 is pure noise, 1 the end. Elsewhere both guidance scales are 1. Default: `[0, 1]`.",
      ),
    steps: z.number().int().min(1).max(100).optional().describe("Sampling steps."),
    scheduler: z
      .enum(samplers)
      .optional()
      .describe(
        "Sampler. `heun` evaluates the model twice per step except the last, and each evaluation counts as a step. `lcm` requires a model distilled for it.",
      ),
    negative: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .optional()
      .describe("Negative prompt. It has an effect only if the guidance scale is above 1."),
    strength: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe(
        "Fraction of the steps to run, starting from the input image with the corresponding amount of noise. Default: 1.",
      ),
    noise: z
      .enum(["fixed", "fresh"])
      .optional()
      .describe("`fixed`: the noise that was used to learn the instruction. `fresh`: new noise."),
    seed: seedSchema.optional(),
    count: z
      .number()
      .int()
      .min(1)
      .max(4)
      .optional()
      .describe("Number of results per image. Values above 1 use fresh noise."),
    photo_metadata: z
      .enum(["safe", "keep", "strip"])
      .optional()
      .describe(
        "Metadata (EXIF, IPTC and XMP) of the photo that a result keeps. `safe` (default): author, copyright, dates and camera, but not the location. `keep`: also the location. `strip`: nothing.",
      ),
    color_profile: z
      .enum(["srgb", "keep"])
      .optional()
      .describe(
        "Color space of the results. `keep`: that of the photo, if it has an RGB profile of primaries and curves, such as Display P3. Default: `srgb`.",
      ),
    format: z
      .enum(outputFormats)
      .optional()
      .describe("Default: `png`, with 16 bits per channel for a PNG or TIFF that has them."),
  })
  .meta({ id: "EditOptions" });

export const createEditSchema = editOptionsSchema
  .extend({
    instruction: instructionIdSchema.optional(),
    images: z.array(uploadIdSchema).min(1).max(16).describe("Completed uploads."),
    mask: uploadIdSchema
      .optional()
      .describe(
        "A completed upload with the aspect ratio of every image. White is edited, black is kept; the edge is feathered.",
      ),
    metadata: metadataSchema.optional(),
    webhook: webhookUrlSchema.optional(),
  })
  .refine(({ instruction, text }) => instruction !== undefined || text !== undefined, {
    error: "must have an instruction, a text, or both",
    path: ["instruction"],
  })
  .refine(({ count, noise }) => noise !== "fixed" || (count ?? 1) === 1, {
    error: "must be 1 with fixed noise, which gives the same result each time; use fresh noise",
    path: ["count"],
  })
  .meta({ id: "CreateEdit" });

export const editResultSchema = z
  .object({
    input: uploadIdSchema.describe("The upload that was edited."),
    url: z.url().describe("Signed URL. Anyone who has it can read the result."),
    width: z.number().int(),
    height: z.number().int(),
    expires_at: timeSchema.describe("When the URL expires. Get the edit again for a new URL."),
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
  queue_position: z.number().int().optional().describe("Approximate number of jobs ahead in the queue."),
  results: z.array(editResultSchema).describe("The results so far."),
  results_expire_at: timeSchema
    .optional()
    .describe(
      "When the results are deleted. Their signed URLs expire earlier; get the edit again for new ones.",
    ),
  expired: z.boolean().optional().describe("True after the results have expired."),
  error: jobErrorSchema.optional(),
  cost: costSchema,
  usage: usageSchema.optional(),
});
export type EditResource = z.infer<typeof editSchema>;
