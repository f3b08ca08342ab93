/** Request headers, as described in the OpenAPI document. Middleware and `wait-for-job` read them. */
const header = (name: string, description: string, example: string) => ({
  name,
  in: "header" as const,
  description,
  example,
  schema: { type: "string" as const },
});

export const idempotencyKeyHeader = header(
  "Idempotency-Key",
  "Makes the request safe to repeat. For 24 hours, the same key and body return the first response again without creating anything. A different body returns 422; a request that is still in progress returns 409.",
  "order-17",
);
export const preferHeader = header(
  "Prefer",
  "`wait=n` delays the response until the job ends, for up to n seconds (at most 50). On creation, `dry-run` validates the request and returns 200 with its cost; nothing is created or reserved.",
  "wait=30",
);
export const dryRunHeader = header(
  "Prefer",
  "`dry-run` validates the request and returns 200 with its cost; nothing is created or reserved.",
  "dry-run",
);
const cancelAfterHeader = header(
  "Cancel-After",
  "Cancels the job if it has not ended after this time: 5 seconds to 24 hours, such as `90s`, `15m` or `2h`.",
  "15m",
);
export const lastEventIdHeader = header(
  "Last-Event-ID",
  "ID of the last received event. The stream continues after it.",
  "0001-000027",
);

/** Headers of requests that create a job. */
export const jobHeaders = [idempotencyKeyHeader, preferHeader, cancelAfterHeader];
