import { z } from "zod";
import { idSchema } from "../ids.ts";
import { timeSchema } from "./fields.ts";

/** Accepted image types, as declared for the form. The actual type is determined from the bytes. */
export const imageTypes = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/avif",
  "image/heic",
  "image/tiff",
] as const;
export const instructionType = "application/vnd.visii";
export const manifestType = "application/jsonl";
const uploadTypes = [...imageTypes, instructionType, manifestType] as const;
export type UploadType = (typeof uploadTypes)[number];

/** Bytes. */
export const maxUploadBytes = 25 * 1024 * 1024;
/** Maximum pixels of an image, and of its longest side. */
export const maxPixels = 50_000_000;
export const maxSide = 20_000;

/** Longest name of an upload. */
const longestName = 200;
/** Names and prefixes of files, as in object keys. */
export const filePrefixSchema = z
  .string()
  .max(longestName)
  .regex(/^[A-Za-z0-9!_.*'() /-]*$/, "must contain only letters, digits and !_.*'() /-");
const uploadNameSchema = filePrefixSchema
  .min(1)
  .describe(
    "A name such as `shop/2026/shoe.jpg`. A batch with `upload_prefix` edits the uploads whose names start with it. Names need not be unique.",
  );

export const createUploadSchema = z
  .strictObject({
    content_type: z
      .enum(uploadTypes)
      .describe("Content type of the file. It is checked against the uploaded bytes."),
    bytes: z
      .number()
      .int()
      .min(1)
      .max(maxUploadBytes)
      .describe("Size of the file. The form rejects larger files."),
    name: uploadNameSchema.optional(),
  })
  .meta({ id: "CreateUpload" });

export const downloadSchema = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .max(1_000_000)
      .describe("A public `https:` URL, or a `data:` URI (the JSON body has at most 1 MB)."),
    name: uploadNameSchema.optional(),
  })
  .meta({ id: "Download" });

export const uploadFormSchema = z.object({
  id: idSchema("upload"),
  method: z.literal("POST"),
  url: z.url(),
  fields: z
    .record(z.string(), z.string())
    .describe("Form fields to send in this order, before the field `file`."),
  expires_at: timeSchema,
});

export const uploadSchema = z.object({
  id: idSchema("upload"),
  status: z.enum(["pending", "ready"]),
  content_type: z.enum(uploadTypes),
  bytes: z.number().int(),
  width: z.number().int().optional(),
  height: z.number().int().optional(),
  sha256: z.string().optional().describe("SHA-256 of the uploaded file, in hex."),
  created_at: timeSchema,
  expires_at: timeSchema.optional().describe("When the upload is deleted."),
  name: z.string().optional(),
  token: idSchema("token").optional().describe("The upload token that created it."),
});
export type Upload = z.infer<typeof uploadSchema>;

/** As stored. */
export const storedUploadSchema = uploadSchema.extend({
  account: z.string().optional(),
  /** Position among the account's named uploads. */
  position: z.number().int().optional(),
});
