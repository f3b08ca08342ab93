import { createHmac, timingSafeEqual } from "node:crypto";

/** Maximum difference in seconds between a message's timestamp and now. */
const tolerance = 5 * 60;
const secretPrefix = "whsec_";

/** Standard Webhooks 1.0: 24 random bytes, in base64 after a prefix. */
export const createSecret = (random: Uint8Array): string =>
  secretPrefix + Buffer.from(random).toString("base64");

export interface WebhookHeaders {
  readonly "webhook-id": string;
  /** Unix seconds. */
  readonly "webhook-timestamp": string;
  /**
   * `v1,` and a base64 HMAC-SHA256 of `id.timestamp.body`. While a secret is rotated, there are several,
   * separated by spaces.
   */
  readonly "webhook-signature": string;
}

/** Signs with each of `secrets`. A receiver has at least one of them. */
export function signWebhook(
  secrets: readonly string[],
  id: string,
  seconds: number,
  body: string,
): WebhookHeaders {
  const signatures = secrets.map(
    (secret) => `v1,${digest(secret, `${id}.${seconds}.${body}`).toString("base64")}`,
  );
  return {
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signatures.join(" "),
  };
}

/** Thrown for a webhook that must not be trusted. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
  readonly code: "invalid_signature" | "stale_webhook";

  constructor(code: WebhookError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Verifies a webhook's signature and timestamp, and returns the parsed body.
 *
 * @param body exactly as received
 * @param now milliseconds since 1970
 * @throws WebhookError `invalid_signature` or `stale_webhook`
 */
export function verifyWebhook(
  secret: string,
  headers: { readonly [Name in keyof WebhookHeaders]?: string | undefined },
  body: string,
  now: number,
): unknown {
  const { "webhook-id": id = "", "webhook-timestamp": timestamp = "" } = headers;
  const expected = digest(secret, `${id}.${timestamp}.${body}`);
  const matches = (headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const [version, value = ""] = signature.split(",");
    const given = Buffer.from(value, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!matches)
    throw new WebhookError("invalid_signature", "The webhook's signature is invalid; check the secret.");
  const age = Math.abs(now / 1000 - Number(timestamp));
  if (!(age <= tolerance))
    throw new WebhookError(
      "stale_webhook",
      `The webhook's timestamp is ${age} seconds off and may be a replay; check this machine's clock.`,
    );
  return JSON.parse(body);
}

function digest(secret: string, text: string): Buffer {
  const key = Buffer.from(
    secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : secret,
    "base64",
  );
  return createHmac("sha256", key).update(text).digest();
}
