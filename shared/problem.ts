import { z } from "zod";
import type { ErrorCode } from "./error-codes.ts";

/** RFC 9457. `code` is stable; `detail` is for people. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  request_id: z.string(),
  /** Which fields, for `invalid_request`. */
  errors: z
    .array(z.object({ pointer: z.string(), message: z.string() }).meta({ id: "ProblemField" }))
    .optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** HTTP status and title by code. A VisibleError of another code is the caller's: 400. */
export const problems = {
  invalid_json: [400, "The body is not JSON"],
  invalid_request: [422, "The request does not fit its schema"],
  invalid_cursor: [400, "The cursor is none of ours"],
  unauthorized: [401, "A key is needed"],
  insufficient_credit: [402, "The credit does not cover this"],
  not_through_router: [403, "This is not the service's address"],
  missing_scope: [403, "The key may not do this"],
  not_found: [404, "There is no such thing"],
  method_not_allowed: [405, "This address does not take that method"],
  idempotency_in_progress: [409, "The same request is being worked on"],
  not_ready: [409, "It is not ready for this"],
  upload_missing: [409, "The file has not arrived"],
  results_expired: [410, "The results were deleted when their time had come"],
  too_large: [413, "The body is too large"],
  not_json: [415, "The body is not announced as JSON"],
  unsupported_image: [415, "The file is not of a kind that we read"],
  image_too_large: [422, "The picture has too many pixels"],
  invalid_upload: [422, "The file is not what was announced"],
  idempotency_key_reused: [422, "The Idempotency-Key belongs to another request"],
  too_many_keys: [422, "The account has as many keys as it may"],
  period_too_long: [422, "The period holds too much for one report"],
  forbidden_url: [422, "The address may not be called"],
  download_failed: [422, "The address cannot be downloaded"],
  too_many_downloads: [429, "Too many downloads are running"],
  rate_limited: [429, "Too many requests"],
  quota_exceeded: [429, "The day's quota is used up"],
  too_many_streams: [429, "Too many event streams are open"],
  too_many_jobs: [429, "Too many jobs are open"],
  internal: [500, "Something broke on our side"],
  unavailable: [503, "Not available right now"],
} as const satisfies Readonly<Partial<Record<ErrorCode, readonly [status: number, title: string]>>>;
export type ProblemCode = keyof typeof problems;

export const problemContentType = "application/problem+json";

/** Where the documentation of a code is. */
export const problemType = (code: ErrorCode): string => `/docs#error-${code}`;
