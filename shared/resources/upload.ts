import { z } from "zod";
import { idSchema } from "../ids.ts";
import { timeSchema } from "./fields.ts";

/** Image types that are taken. What a file is, its bytes decide; this is only what the form may say. */
export const imageTypes = ["image/jpeg", "image/png", "image/webp", "image/avif"] as const;
export const instructionType = "application/vnd.visii";
export const manifestType = "application/jsonl";
export const uploadTypes = [...imageTypes, instructionType, manifestType] as const;
export type UploadType = (typeof uploadTypes)[number];

/** Bytes. */
export const maximumUploadBytes = 25 * 1024 * 1024;
/** Pixels of a picture, and of its longest side. */
export const maximumPixels = 50_000_000;
export const maximumSide = 20_000;

export const createUploadSchema = z.strictObject({
  content_type: z.enum(uploadTypes),
  bytes: z.number().int().min(1).max(maximumUploadBytes),
});

export const uploadFormSchema = z.object({
  id: idSchema("upload"),
  method: z.literal("POST"),
  url: z.url(),
  fields: z.record(z.string(), z.string()),
  expires_at: timeSchema,
});

export const uploadSchema = z.object({
  id: idSchema("upload"),
  status: z.enum(["pending", "ready"]),
  content_type: z.enum(uploadTypes),
  bytes: z.number().int(),
  width: z.number().int().optional(),
  height: z.number().int().optional(),
  sha256: z.string().optional(),
  created_at: timeSchema,
  /** When a ready one is gone. */
  expires_at: timeSchema.optional(),
});
export type Upload = z.infer<typeof uploadSchema>;

export type CreateUpload = z.infer<typeof createUploadSchema>;
export type UploadForm = z.infer<typeof uploadFormSchema>;
