import { createDecipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { environments } from "../shared/accounts/api-key.ts";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";
import { defaultEdgeSettings } from "./edge.ts";

/** Environment variables of the edge's functions. */
export const edgeConfigSchema = awsConfigSchema.extend({
  VISII_WEBHOOK_QUEUE_URL: z.string().min(1),
  /** Environment of new API keys. */
  VISII_ENVIRONMENT: z.enum(environments).default("live"),
  /** Public URL: the router's, if there is one. All links start with its origin. */
  VISII_PUBLIC_URL: z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin),
  /** Limit per account. */
  VISII_REQUESTS_PER_MINUTE: z.coerce
    .number()
    .int()
    .positive()
    .default(defaultEdgeSettings.requestsPerMinute),
  /**
   * Key and deployment time to verify that requests came through the router. Without a key, nothing is
   * verified.
   */
  VISII_ROUTER_KEY: z.string().min(1).optional(),
  VISII_ROUTER_SINCE: z.coerce.number().int().positive().default(1),
  /** Seconds; must be below the router's timeout. */
  VISII_LONGEST_WAIT: z.coerce.number().positive().default(defaultEdgeSettings.longestWait),
  /** Seconds; must be below the function's timeout. */
  VISII_LONGEST_STREAM: z.coerce.number().positive().default(defaultEdgeSettings.longestStream),
  VISII_HELD_CONNECTIONS: z.coerce.number().int().positive().default(defaultEdgeSettings.heldConnections),
  /** Seconds; must be longer than a request can take. */
  VISII_IDEMPOTENCY_LOCK: z.coerce.number().positive().default(defaultEdgeSettings.idempotencyLock),
  VISII_LOG: z.enum(["info", "error"]).default("info"),
  /** If set, charges are reported to Stripe. */
  VISII_STRIPE_KEY: z.string().min(1).optional(),
  /** Event name of the Stripe meter. */
  VISII_STRIPE_EVENT: z.string().min(1).default("visii_credits"),
  /** Default: Stripe's API. */
  VISII_STRIPE_URL: z.url().optional(),
});
export type EdgeConfig = z.infer<typeof edgeConfigSchema>;

/**
 * Maps each secret's variable to its linked resource in `infra/`. Secrets are not passed as plain variables.
 */
export const linkedSecrets = { VISII_STRIPE_KEY: "StripeKey", VISII_ROUTER_KEY: "RouterKeyLink" } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ZodError that names the missing or invalid variable */
export function readEdgeConfig(environment: Environment = process.env): EdgeConfig {
  const links = readLinks(environment);
  const secrets = Object.entries(linkedSecrets).flatMap(([name, link]) => {
    const value = secretSchema.safeParse(links[link]).data?.value;
    return value ? [[name, value]] : [];
  });
  return edgeConfigSchema.parse({ ...Object.fromEntries(secrets), ...environment });
}

const secretSchema = z.object({ value: z.string() });
const linksSchema = z.record(z.string(), z.unknown());

/**
 * Reads SST's linked resources from the file next to the function. It is encrypted with AES-256-GCM: the key
 * is in the environment, the nonce is zero and the tag is at the end (sst 4, `resource/node.js`).
 */
function readLinks({ SST_KEY: key, SST_KEY_FILE: file }: Environment): Readonly<Record<string, unknown>> {
  if (key === undefined || file === undefined) return {};
  const bytes = readFileSync(file);
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key, "base64"), Buffer.alloc(12));
  decipher.setAuthTag(bytes.subarray(-16));
  const text = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString("utf8");
  return linksSchema.parse(JSON.parse(text));
}
