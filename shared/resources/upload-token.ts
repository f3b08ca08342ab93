import { z } from "zod";
import { idSchema } from "../ids.ts";
import { timeSchema } from "./fields.ts";

/** Seconds. */
const lifetime = { min: 60, max: 3600, usual: 900 } as const;

const limits = {
  max_uploads: z.number().int().min(1).max(10_000),
  max_bytes: z.number().int().min(1).max(1e12),
};

export const createUploadTokenSchema = z
  .strictObject({
    expires_in: z
      .number()
      .int()
      .min(lifetime.min)
      .max(lifetime.max)
      .optional()
      .describe(`Seconds until the token expires. Default: ${lifetime.usual}.`),
    max_uploads: limits.max_uploads
      .optional()
      .describe("Number of uploads that the token can create. Default: no limit."),
    max_bytes: limits.max_bytes
      .optional()
      .describe("Bytes of all its uploads together, as declared. Default: no limit."),
  })
  .meta({ id: "CreateUploadToken" });

export const expiresIn = ({ expires_in = lifetime.usual }: z.infer<typeof createUploadTokenSchema>): number =>
  expires_in;

export const uploadTokenSchema = z.object({
  id: idSchema("token"),
  created_at: timeSchema,
  expires_at: timeSchema,
  max_uploads: limits.max_uploads.optional(),
  max_bytes: limits.max_bytes.optional(),
  uploads: z.number().int().describe("Number of uploads created with the token."),
  bytes: z.number().int().describe("Bytes of these uploads, as declared."),
});
export type UploadTokenResource = z.infer<typeof uploadTokenSchema>;
export const createdUploadTokenSchema = uploadTokenSchema.extend({
  token: z.string().describe("Send it as `Authorization: Bearer TOKEN`. Only this response contains it."),
});

/** As stored. The token itself is not stored. */
export const storedUploadTokenSchema = uploadTokenSchema.extend({
  account: z.string(),
  /** ID of the API key that created it. The token stops working with that key. */
  key: z.string(),
  hash: z.string(),
});
export type StoredUploadToken = z.infer<typeof storedUploadTokenSchema>;
