import { InternalError, RetryableError } from "../errors.ts";
import type { Meter } from "../ports/meter.ts";

interface StripeOptions {
  readonly secretKey: string;
  /** Event name of the Stripe meter. */
  readonly eventName: string;
  /** Default: Stripe's API. */
  readonly baseUrl?: string;
}

/** Milliseconds. */
const timeout = 10_000;

/**
 * Meter events of Stripe Billing (POST /v1/billing/meter_events); Stripe counts an identifier once within a
 * day.
 */
export function createStripeMeter({
  secretKey,
  eventName,
  baseUrl = "https://api.stripe.com",
}: StripeOptions): Meter {
  return {
    async report({ identifier, customer, credits, at }) {
      const body = new URLSearchParams({
        event_name: eventName,
        identifier,
        timestamp: String(at),
        "payload[stripe_customer_id]": customer,
        "payload[value]": String(credits),
      });
      const headers = { Authorization: `Bearer ${secretKey}` };
      const answer = await fetch(new URL("/v1/billing/meter_events", baseUrl), {
        method: "POST",
        headers,
        body,
        signal: AbortSignal.timeout(timeout),
      }).catch((cause: unknown) => {
        throw new RetryableError("the meter is unreachable", { cause });
      });
      if (answer.ok) return;
      const text = (await answer.text()).slice(0, 300);
      // A known identifier has already been counted.
      if (answer.status === 400 && text.includes("duplicate_meter_event")) return;
      if (answer.status === 429 || answer.status >= 500)
        throw new RetryableError(`the meter responded with ${answer.status}`);
      throw new InternalError(`the meter refused ${identifier} with ${answer.status}: ${text}`);
    },
  };
}
