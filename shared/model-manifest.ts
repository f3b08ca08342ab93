import { z } from "zod";

/** Relative, with forward slashes, no hidden part, no way up. */
const filePath = z
  .string()
  .max(400)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, "must be a plain relative path");

/**
 * What a published model consists of. It lies beside the files as `manifest.json` and is written last: where it stands, all
 * the others do.
 */
export const modelManifestSchema = z.object({
  version: z.literal(1),
  files: z
    .array(
      z.object({
        path: filePath,
        bytes: z.number().int().nonnegative(),
        /** Of the whole file, in hexadecimal digits. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1),
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type ModelFile = ModelManifest["files"][number];

export const manifestName = "manifest.json";
