import { z } from "zod";

/** A relative path with forward slashes, without hidden parts and `..`. */
const filePath = z
  .string()
  .max(400)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, "must be a plain relative path");

/**
 * Files of a published model. It is written last, as `manifest.json`, so its presence means that all files
 * exist.
 */
export const modelManifestSchema = z.object({
  version: z.literal(1),
  files: z
    .array(
      z.object({
        path: filePath,
        bytes: z.number().int().nonnegative(),
        /** SHA-256 of the file, in hex. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1),
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type ModelFile = ModelManifest["files"][number];

export const manifestName = "manifest.json";
