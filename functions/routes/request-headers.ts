import { defined } from "../../shared/defined.ts";

/**
 * Request headers, as described in the OpenAPI document. Middleware and `wait-for-job` read them. They have no
 * examples: the reference's "try it" would send them.
 */
const header = (name: string, description: string, pattern?: string) => ({
  name,
  in: "header" as const,
  description,
  schema: { type: "string" as const, ...defined({ pattern }) },
});

export const idempotencyKeyHeader = header(
  "Idempotency-Key",
  "Makes the request safe to repeat. For 24 hours, the same key and body return the first response again without creating anything. A different body returns 422; a request that is still in progress returns 409.",
  "^[\\x21-\\x7e]{1,255}$",
);
export const preferHeader = header(
  "Prefer",
  "`wait=n` delays the response until the job ends, for up to n seconds (at most 50). On creation, `dry-run` validates the request and returns 200 with its cost; nothing is created or reserved.",
);
export const dryRunHeader = header(
  "Prefer",
  "`dry-run` validates the request and returns 200 with its cost; nothing is created or reserved.",
);
const cancelAfterHeader = header(
  "Cancel-After",
  "Cancels the job if it has not ended after this time: 5 seconds to 24 hours, such as `90s`, `15m` or `2h`.",
  "^[0-9]{1,6}[smh]?$",
);
export const lastEventIdHeader = header(
  "Last-Event-ID",
  "ID of the last received event. The stream continues after it.",
);

/** Headers of requests that create a job. */
export const jobHeaders = [idempotencyKeyHeader, preferHeader, cancelAfterHeader];
