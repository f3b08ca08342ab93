import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { idSchema } from "../ids.ts";
import { nameSchema, timeSchema } from "../resources/fields.ts";

export const scopes = ["read", "write", "keys"] as const;
const scopeSchema = z.enum(scopes).meta({ id: "Scope" });
export type Scope = z.infer<typeof scopeSchema>;

export const environments = ["test", "live"] as const;
export type Environment = (typeof environments)[number];

const limitSchema = z.number().int().min(0).max(1e12);

export const createKeySchema = z
  .strictObject({
    name: nameSchema.optional(),
    scopes: z
      .array(scopeSchema)
      .min(1)
      .optional()
      .describe(
        "`read` allows GET; `write` allows create, update, cancel and delete; `keys` allows managing keys and webhooks. Default: read and write.",
      ),
    expires_at: timeSchema.optional().describe("When the key expires. Default: never."),
    monthly_limit: limitSchema
      .optional()
      .describe(
        "Credits that the key can spend in a calendar month (UTC), reservations included. A key with a limit cannot have the scope `keys`. Default: no limit.",
      ),
  })
  .meta({ id: "CreateKey" });

const keySpendingSchema = z
  .object({
    month: z.string().describe("The current calendar month in UTC, such as `2026-11`."),
    charged: z.number().int().describe("Credits charged for jobs created in this month."),
    reserved: z.number().int().describe("Credits reserved for open jobs."),
    remaining: z.number().int().describe("Remaining credits of the limit."),
  })
  .meta({ id: "KeySpending", description: "Present if the key has a monthly limit." });

export const keySchema = z.object({
  id: idSchema("key"),
  name: z.string().optional(),
  scopes: z.array(scopeSchema),
  hint: z.string().describe("First characters of the key, to identify it."),
  created_at: timeSchema,
  expires_at: timeSchema.optional().describe("When the key expires; absent if never."),
  last_used_at: timeSchema.optional().describe("When the key was last used, accurate to the hour."),
  monthly_limit: limitSchema.optional().describe("Credits that the key can spend in a calendar month."),
  spending: keySpendingSchema.optional(),
});
export type KeyResource = z.infer<typeof keySchema>;
export const createdKeySchema = keySchema.extend({ secret: z.string() });

/** As stored, under the resource's ID and under the secret's hash. The secret itself is not stored. */
export const storedKeySchema = keySchema
  .omit({ spending: true })
  .extend({ account: z.string(), hash: z.string() });
export type StoredKey = z.infer<typeof storedKeySchema>;

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretLength = 32;
const checksumLength = 6;

/**
 * `visii_test_`, 32 random characters and a checksum of 6, which detects mistyped keys without a lookup.
 * Upload tokens have the same form and start with `visii_upload_`.
 */
export function createKeySecret(kind: Environment | "upload", random: Uint8Array): string {
  // 248 is the largest multiple of 62 in a byte; larger values would bias the characters.
  const even = [...random].filter((byte) => byte < 248).slice(0, secretLength);
  const body = `visii_${kind}_${even.map((byte) => alphabet[byte % 62]).join("")}`;
  return body + checksum(body);
}

/** Random bytes for createKeySecret, with spare bytes because it rejects some. */
export const keySecretBytes = 64;

export const isWellFormedKey = (secret: string): boolean =>
  /^visii_(test|live)_[0-9A-Za-z]{38}$/.test(secret) && hasChecksum(secret);

export const isUploadToken = (secret: string): boolean =>
  /^visii_upload_[0-9A-Za-z]{38}$/.test(secret) && hasChecksum(secret);

function hasChecksum(secret: string): boolean {
  const given = Buffer.from(secret.slice(-checksumLength));
  return timingSafeEqual(given, Buffer.from(checksum(secret.slice(0, -checksumLength))));
}

/** SHA-256 in hex. The secret has 190 bits of entropy, so a slow hash is not needed. */
export const hashKeySecret = (secret: string): string => createHash("sha256").update(secret).digest("hex");

export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

function checksum(body: string): string {
  const [...bytes] = createHash("sha256").update(`visii key ${body}`).digest().subarray(0, checksumLength);
  return bytes.map((byte) => alphabet[byte % 62]).join("");
}
