import { createDecipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { environments } from "../shared/accounts/api-key.ts";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";
import { defaultEdgeSettings } from "./edge.ts";

/** What the edge's functions are told through their environment. */
export const edgeConfigSchema = awsConfigSchema.extend({
  VISII_WEBHOOK_QUEUE_URL: z.string().min(1),
  /** Of the keys that are made here. */
  VISII_ENVIRONMENT: z.enum(environments).default("live"),
  /** The address that callers know, where a router stands before the function. */
  VISII_PUBLIC_URL: z
    .url()
    .transform((url) => new URL(url).origin)
    .optional(),
  /** For one account. */
  VISII_REQUESTS_PER_MINUTE: z.coerce
    .number()
    .int()
    .positive()
    .default(defaultEdgeSettings.requestsPerMinute),
  /** What requests that came through the router are known by, and since when; without them anybody's are answered. */
  VISII_ROUTER_KEY: z.string().min(1).optional(),
  VISII_ROUTER_SINCE: z.coerce.number().int().positive().default(1),
  /** Seconds; below the router's timeout. */
  VISII_LONGEST_WAIT: z.coerce.number().positive().default(defaultEdgeSettings.longestWait),
  /** Seconds; below the time that the function may run. */
  VISII_LONGEST_STREAM: z.coerce.number().positive().default(defaultEdgeSettings.longestStream),
  VISII_HELD_CONNECTIONS: z.coerce.number().int().positive().default(defaultEdgeSettings.heldConnections),
  /** Seconds; longer than a request may take. */
  VISII_REQUEST_PATIENCE: z.coerce.number().positive().default(defaultEdgeSettings.requestPatience),
  VISII_LOG: z.enum(["info", "error"]).default("info"),
  /** Charges are told to Stripe where there is a key. */
  VISII_STRIPE_KEY: z.string().min(1).optional(),
  /** The meter's event name, as set up in Stripe. */
  VISII_STRIPE_EVENT: z.string().min(1).default("visii_credits"),
  /** Stripe's own when absent. */
  VISII_STRIPE_URL: z.url().optional(),
});
export type EdgeConfig = z.infer<typeof edgeConfigSchema>;

/** Secrets come as linked resources, not as plain variables: the variable's name, and the link's in `infra/`. */
export const linkedSecrets = { VISII_STRIPE_KEY: "StripeKey", VISII_ROUTER_KEY: "RouterKeyLink" } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ZodError that names the variable which is missing or wrong */
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
 * What SST links to a function: a file beside it, AES-256-GCM under a key of the environment with a nonce of zeros and the tag
 * at its end (sst 4, `resource/node.js`).
 */
function readLinks({ SST_KEY: key, SST_KEY_FILE: file }: Environment): Readonly<Record<string, unknown>> {
  if (key === undefined || file === undefined) return {};
  const bytes = readFileSync(file);
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key, "base64"), Buffer.alloc(12));
  decipher.setAuthTag(bytes.subarray(-16));
  const text = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString("utf8");
  return linksSchema.parse(JSON.parse(text));
}
