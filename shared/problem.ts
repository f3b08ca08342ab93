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

/** HTTP status and title by code. A VisibleError with any other code causes a 500 response. */
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

export const isProblemCode = (code: ErrorCode): code is ProblemCode => Object.hasOwn(problems, code);

/**
 * Meaning of the other codes with which a job, a batch or a line can end. The codes of `problems` can also be
 * theirs.
 */
export const jobErrors = {
  image_empty: "The image file is empty",
  image_too_small: "The image has too few pixels",
  image_too_elongated: "The image is too wide or too tall",
  image_too_complex: "The image takes too much time or memory to decode",
  damaged_image: "The image file is damaged",
  invalid_mask: "The mask does not match the image",
  unequal_pair: "The images of a pair have different sizes",
  pair_aspect_mismatch: "The images of a pair have different aspect ratios",
  invalid_instruction: "The .visii file is invalid",
  foreign_instruction: "The instruction belongs to another model",
  invalid_init: "The initial prompt is invalid",
  empty_prompt: "The prompt is empty",
  text_too_long: "The text has too many tokens",
  nothing_to_caption: "No initial prompt describes the pairs",
  no_phrases: "The model has no initial prompts",
  no_clip: "The model cannot choose an initial prompt",
  no_pair_encoder: "The model cannot learn without steps",
  invalid_option: "The model does not support the value of an option",
  invalid_size: "The image does not fit the model",
  invalid_steps: "The sampler does not support the number of steps",
  unsupported_scheduler: "The model does not support the sampler",
  cannot_resume: "The checkpoint does not match the job",
  diverged: "Learning diverged",
  half_precision_overflow: "Learning exceeded the range of half precision",
  not_finite: "Sampling produced values that are not finite",
  not_enough_memory: "The job needs more memory than a worker has",
  upload_gone: "An upload no longer exists",
  instruction_gone: "The instruction no longer exists",
  unprocessable: "The job's images cannot be processed",
  gave_up: "The job failed too often",
  empty_batch: "The batch has no images",
  invalid_manifest: "The manifest is invalid",
} as const satisfies Readonly<Partial<Record<ErrorCode, string>>>;
export type ApiErrorCode = ProblemCode | keyof typeof jobErrors;

/** Whether the API's documentation lists the code. */
export const isApiErrorCode = (code: ErrorCode): code is ApiErrorCode =>
  isProblemCode(code) || Object.hasOwn(jobErrors, code);

/** Every code of the API: HTTP status, or "job" if only jobs end with it, and meaning. */
export const apiErrors: readonly (readonly [code: ApiErrorCode, status: number | "job", meaning: string])[] =
  [
    ...Object.entries(problems).map(
      ([code, [status, title]]) => [code as ProblemCode, status, title] as const,
    ),
    ...Object.entries(jobErrors).map(
      ([code, meaning]) => [code as keyof typeof jobErrors, "job", meaning] as const,
    ),
  ];

export const problemContentType = "application/problem+json";

/** URL of a code's documentation. */
export const problemType = (code: ApiErrorCode): string => `/docs#error-${code}`;
