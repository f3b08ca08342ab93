import { z } from "zod";
import type { ErrorCode } from "./error-codes.ts";

/** RFC 9457. `code` is stable; `detail` is human-readable. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  request_id: z.string(),
  /** The invalid fields, for `invalid_request`. */
  errors: z
    .array(z.object({ pointer: z.string(), message: z.string() }).meta({ id: "ProblemField" }))
    .optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** HTTP status and title by code. A VisibleError with any other code causes a 400 response. */
export const problems = {
  invalid_json: [400, "The body is not valid JSON"],
  invalid_request: [422, "The request is invalid"],
  invalid_cursor: [400, "The cursor is invalid"],
  unauthorized: [401, "A valid API key is required"],
  insufficient_credit: [402, "Insufficient credit"],
  spend_limit_reached: [402, "The API key's monthly limit is reached"],
  not_through_router: [403, "Requests must use the service's public URL"],
  missing_scope: [403, "The API key lacks the required scope"],
  token_used_up: [403, "The upload token's limit is reached"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  idempotency_in_progress: [409, "A request with this Idempotency-Key is in progress"],
  not_ready: [409, "The resource is not in the required state"],
  upload_missing: [409, "The file has not been uploaded"],
  results_expired: [410, "The results have expired"],
  too_large: [413, "The body or file is too large"],
  not_json: [415, "Content-Type must be application/json"],
  unsupported_image: [415, "Unsupported file format"],
  image_too_large: [422, "The image has too many pixels"],
  invalid_upload: [422, "The file is invalid"],
  idempotency_key_reused: [422, "The Idempotency-Key was used for a different request"],
  too_many_keys: [422, "API key limit reached"],
  too_many_schedules: [422, "Schedule limit reached"],
  period_too_long: [422, "The period contains too many jobs"],
  forbidden_url: [422, "The URL is not allowed"],
  download_failed: [422, "The download failed"],
  too_many_downloads: [429, "Too many concurrent downloads"],
  rate_limited: [429, "Too many requests"],
  quota_exceeded: [429, "Daily quota exceeded"],
  storage_full: [422, "The account's storage is full"],
  too_many_streams: [429, "Too many open connections"],
  too_many_jobs: [429, "Too many open jobs"],
  internal: [500, "Internal error"],
  unavailable: [503, "Service unavailable"],
} as const satisfies Readonly<Partial<Record<ErrorCode, readonly [status: number, title: string]>>>;
export type ProblemCode = keyof typeof problems;

export const problemContentType = "application/problem+json";

/** URL of a code's documentation. */
export const problemType = (code: ErrorCode): string => `/docs#error-${code}`;
