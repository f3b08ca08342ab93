/** Headers that requests may bring, as the OpenAPI document describes them. Middleware and `wait-for-job` read them. */
const header = (name: string, description: string, example: string) => ({
  ...{ name, in: "header" as const, description, example },
  schema: { type: "string" as const },
});

export const idempotencyKeyHeader = header(
  "Idempotency-Key",
  "Makes the request safe to repeat: for a day the same key and body get the first answer again and make nothing new. Another body is refused with 422, a request that is still at work with 409.",
  "order-17",
);
export const preferHeader = header(
  "Prefer",
  "`wait=n` holds the answer until the job has ended, for at most n seconds and 50 in all. On creating, `dry-run` checks the request and answers 200 with its cost; nothing is made and nothing reserved.",
  "wait=30",
);
export const dryRunHeader = header(
  "Prefer",
  "`dry-run` checks the request and answers 200 with its cost; nothing is made and nothing reserved.",
  "dry-run",
);
const cancelAfterHeader = header(
  "Cancel-After",
  "The job cancels itself when it has not ended after this time: 5 seconds to 24 hours.",
  "15m",
);
export const lastEventIdHeader = header(
  "Last-Event-ID",
  "The id of the last event that was heard: the stream goes on after it.",
  "0001-000027",
);

/** Of requests that make a job. */
export const jobHeaders = [idempotencyKeyHeader, preferHeader, cancelAfterHeader];
