/**
 * What the service takes and answers, as JSON: written out, so that a program that uses the client needs no library of schemas.
 * Fields that the service may leave out are absent. Times are ISO 8601 in UTC, credits are millionths of a US dollar.
 */

/** RFC 9457. `code` is stable; `detail` is for people. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly request_id: string;
  /** Which fields, for `invalid_request`. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

export type Status = "queued" | "running" | "succeeded" | "failed" | "canceled";

/** The caller's own notes, at most 20 keys; the service stores them and returns them unchanged. */
export type Metadata = Readonly<Record<string, string>>;

export interface JobError {
  /** Stable. */
  readonly code: string;
  readonly message: string;
}

export interface Progress {
  /** `prepare`, `prepare_samples` and `learn`, or `edit`. */
  readonly stage: string;
  /** Steps made of this stage. */
  readonly step: number;
  readonly steps: number;
  /** Of this step, while learning. */
  readonly loss?: number;
  /** Until the end of the stage, about. */
  readonly eta_seconds?: number;
}

export interface Usage {
  readonly compute_seconds: number;
  /** Learning steps, or sampling steps of all results. */
  readonly steps: number;
  /** Results. */
  readonly images: number;
  /** Of all results. */
  readonly pixels: number;
  readonly credits: number;
}

export interface JobUrls {
  readonly self: string;
  readonly cancel: string;
  readonly events: string;
}

/** What happens to a job, live. `result` says that there is one more; its link is in the edit. */
export type JobEvent =
  | { readonly type: "status"; readonly status: Status; readonly error?: JobError }
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "preview"; readonly step: number }
  | { readonly type: "result"; readonly index: number; readonly input: string };

export interface Page<Item> {
  readonly data: readonly Item[];
  /** Absent on the last page. */
  readonly next_cursor?: string;
}

export type ImageType =
  | "image/jpeg"
  | "image/png"
  | "image/webp"
  | "image/avif"
  | "image/heic"
  | "image/tiff";
export type UploadType = ImageType | "application/vnd.visii" | "application/jsonl";

export interface CreateUpload {
  readonly content_type: UploadType;
  /** Its size; the form takes no larger file. */
  readonly bytes: number;
}

export interface UploadForm {
  readonly id: string;
  readonly method: "POST";
  readonly url: string;
  /** Form fields to send before the field `file`, in this order. */
  readonly fields: Readonly<Record<string, string>>;
  readonly expires_at: string;
}

export interface Upload {
  readonly id: string;
  readonly status: "pending" | "ready";
  readonly content_type: UploadType;
  readonly bytes: number;
  readonly width?: number;
  readonly height?: number;
  /** Of what arrived, in hex. */
  readonly sha256?: string;
  readonly created_at: string;
  readonly expires_at?: string;
}

export interface Download {
  /** An `https:` address that anybody can open, or a `data:` URI. */
  readonly url: string;
}

export interface CreateInstruction {
  /** Uploads of the same photo before and after the edit; more pairs make it more general. */
  readonly pairs: readonly { readonly before: string; readonly after: string }[];
  readonly name?: string | undefined;
  /** Words to start from. */
  readonly init?: string | undefined;
  /** Learning steps; the model's own when absent. */
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  /** What is learned: rows of the text embedding, or the keys and values that the attentions make of them. */
  readonly space?: "text" | "kv" | undefined;
  readonly learning_rate?: number | undefined;
  /** Inside the loss, and for edits by the instruction. */
  readonly text_guidance?: number | undefined;
  /** Inside the loss. */
  readonly image_guidance?: number | undefined;
  /** Weight of the CLIP loss; none in the space `kv`. */
  readonly clip_weight?: number | undefined;
  readonly metadata?: Metadata | undefined;
  readonly webhook?: string | undefined;
}

export interface ImportInstruction {
  /** Of a `.visii` file, as `application/vnd.visii`. */
  readonly upload: string;
  readonly name?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly webhook?: string | undefined;
}

export interface UpdateInstruction {
  readonly name?: string | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface InstructionResource {
  readonly id: string;
  readonly object: "instruction";
  readonly status: Status;
  readonly name?: string;
  readonly metadata?: Metadata;
  readonly created_at: string;
  readonly finished_at?: string;
  readonly urls: JobUrls;
  readonly progress?: Progress;
  readonly queue_position?: number;
  /** The before image, edited by what is learned so far. */
  readonly preview_url?: string;
  /** The first pair, side by side: a JPEG of 384×192 pixels. */
  readonly thumbnail_url?: string;
  /** A 3D lookup table (`.cube`) that repeats the edit, where the pairs are a change of colors alone. */
  readonly lut_url?: string;
  /** What edits by it use where they name no `text_guidance`: what it was learned under. */
  readonly text_guidance?: number;
  /** The words it started from. */
  readonly caption?: string;
  /** What is odd about the pairs or the learning. */
  readonly warnings?: readonly string[];
  /** The `.visii` file. */
  readonly file_url?: string;
  readonly losses?: readonly { readonly step: number; readonly loss: number; readonly validation?: number }[];
  readonly error?: JobError;
  /** Credits reserved when it was accepted; the charge, `usage.credits`, is never more. */
  readonly cost: number;
  readonly usage?: Usage;
}

export type OutputFormat = "png" | "jpeg" | "webp";

export type Sampler = "euler-ancestral" | "euler" | "heun" | "ddim" | "dpmpp-2m-karras" | "unipc" | "lcm";

/** How an edit is made; what is absent is the model's recommendation. */
export interface EditOptions {
  /** Words, alone or mixed with the instruction. */
  readonly text?: string | undefined;
  readonly mixing?: "joined" | "in-turn" | undefined;
  readonly text_guidance?: number | undefined;
  readonly image_guidance?: number | undefined;
  /** Sampling steps. */
  readonly steps?: number | undefined;
  /** `heun` counts two steps for each but the last; `lcm` is for models distilled for it. */
  readonly scheduler?: Sampler | undefined;
  /** What the results should not be; it works where guidance is above 1. */
  readonly negative?: string | undefined;
  /** Above 0, at most 1: the share of the steps that is made, from the image under that much noise. */
  readonly strength?: number | undefined;
  /** `fixed`: the noise that the instruction was learned under. */
  readonly noise?: "fixed" | "fresh" | undefined;
  readonly seed?: number | undefined;
  /** Results for each image; above 1 the noise is fresh. */
  readonly count?: number | undefined;
  /** `png` when absent. */
  readonly format?: OutputFormat | undefined;
}

export interface CreateEdit extends EditOptions {
  readonly instruction?: string | undefined;
  /** Uploads that are complete. */
  readonly images: readonly string[];
  readonly metadata?: Metadata | undefined;
  readonly webhook?: string | undefined;
}

export interface EditResource {
  readonly id: string;
  readonly object: "edit";
  readonly status: Status;
  readonly instruction?: string;
  readonly metadata?: Metadata;
  readonly created_at: string;
  readonly finished_at?: string;
  readonly urls: JobUrls;
  readonly progress?: Progress;
  readonly queue_position?: number;
  /** Those that are done, also while others are not. */
  readonly results: readonly EditResult[];
  /** When the results are deleted; the link of each stops sooner. */
  readonly results_expire_at?: string;
  /** True once the results were deleted. */
  readonly expired?: boolean;
  readonly error?: JobError;
  /** Credits reserved when it was accepted; the charge, `usage.credits`, is never more. */
  readonly cost: number;
  readonly usage?: Usage;
}

export interface EditResult {
  /** The upload that it was made of. */
  readonly input: string;
  /** A signed link; whoever holds it may read. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
  /** When the link stops; a new look gives a new one. */
  readonly expires_at: string;
}

/** Either `at`, once, or `cron`: five fields, in `time_zone` (an IANA name; UTC when absent). */
export interface Schedule {
  readonly at?: string | undefined;
  readonly cron?: string | undefined;
  readonly time_zone?: string | undefined;
}

/** Exactly one of `images`, `manifest` and `prefix` says what is edited. */
export interface CreateBatch {
  readonly instruction: string;
  /** Uploads that are complete. */
  readonly images?: readonly string[] | undefined;
  /** An upload of JSON lines: `{"image": "upl_…", "custom_id": "…"}` each. */
  readonly manifest?: string | undefined;
  /** Every image in the account's own folder of the bucket whose name begins so. */
  readonly prefix?: string | undefined;
  readonly options?: EditOptions | undefined;
  /** When to run; at once when absent. */
  readonly schedule?: Schedule | undefined;
  readonly name?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly webhook?: string | undefined;
}

export interface BatchCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
}

export interface BatchResource {
  readonly id: string;
  readonly object: "batch";
  readonly status: "scheduled" | "paused" | Status;
  readonly name?: string;
  readonly instruction: string;
  readonly created_at: string;
  readonly finished_at?: string;
  readonly urls: Omit<JobUrls, "events">;
  /** Of the images; a schedule has none, its runs do. */
  readonly counts?: BatchCounts;
  /** Of a schedule's run: the schedule. */
  readonly schedule_of?: string;
  readonly schedule?: { readonly at?: string; readonly cron?: string; readonly time_zone?: string };
  readonly next_run_at?: string;
  /** One JSON line for each image that succeeded. The address lasts and takes an API key. */
  readonly output_url?: string;
  /** One JSON line for each image that did not succeed. */
  readonly errors_url?: string;
  readonly error?: JobError;
  readonly metadata?: Metadata;
}

/** A line of a batch's output. */
export interface BatchLine {
  /** Place in the batch, from 0. */
  readonly line: number;
  /** Its edit; none was made when the line could not be submitted. */
  readonly edit: string;
  readonly status: Status;
  readonly custom_id?: string;
  /** Their addresses last as long as the results do, and take an API key. */
  readonly results?: readonly { readonly url: string; readonly width: number; readonly height: number }[];
  readonly error?: JobError;
  readonly usage?: Usage;
}

/** `read` allows looking, `write` creating and changing, `keys` managing keys and webhooks. */
export type Scope = "read" | "write" | "keys";

export interface CreateKey {
  readonly name?: string | undefined;
  /** Read and write when absent. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Never when absent. */
  readonly expires_at?: string | undefined;
}

export interface KeyResource {
  readonly id: string;
  readonly name?: string;
  readonly scopes: readonly Scope[];
  /** The first characters, to tell keys apart. */
  readonly hint: string;
  readonly created_at: string;
  readonly expires_at?: string;
  /** To the hour. */
  readonly last_used_at?: string;
}

export interface CreatedKey extends KeyResource {
  readonly secret: string;
}

export type WebhookEvent = `${"instruction" | "edit" | "batch"}.${"succeeded" | "failed" | "canceled"}`;
/** An event, or what a ping sends. */
export type PayloadType = WebhookEvent | "ping";

/** What a webhook brings. */
export interface WebhookPayload {
  readonly type: PayloadType;
  /** When it was first to be sent. */
  readonly timestamp: string;
  readonly data: {
    /** Of the instruction, edit or batch. */
    readonly id: string;
    readonly status: string;
    readonly usage?: Usage;
    readonly error?: JobError;
    readonly metadata?: Metadata;
    readonly counts?: BatchCounts;
  };
}

export interface CreateWebhook {
  readonly url: string;
  /** All when absent. */
  readonly events?: readonly WebhookEvent[] | undefined;
}

export interface UpdateWebhook {
  readonly url?: string | undefined;
  /** `null` for all. */
  readonly events?: readonly WebhookEvent[] | null | undefined;
  readonly enabled?: boolean | undefined;
}

export interface WebhookResource {
  readonly id: string;
  readonly url: string;
  readonly events?: readonly WebhookEvent[];
  /** False after an answer of 410 Gone. */
  readonly enabled: boolean;
  readonly created_at: string;
}

export interface CreatedWebhook extends WebhookResource {
  readonly secret: string;
}

export interface DeliveryResource {
  readonly id: string;
  readonly webhook?: string;
  readonly url: string;
  readonly type: PayloadType;
  readonly status: "pending" | "delivered" | "failed";
  readonly attempts: number;
  /** Of the last answer; absent when none came. */
  readonly response_status?: number;
  readonly last_error?: string;
  readonly next_attempt_at?: string;
  readonly created_at: string;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  /** Credits at hand now. */
  readonly balance: number;
  /** Credits set aside for jobs that are not done. */
  readonly reserved: number;
  readonly totals: Usage & { readonly jobs: number };
  /** Charges, the oldest first; at most 1000. */
  readonly records: readonly {
    /** The instruction or the edit; a batch, whose edits are charged several at a time. */
    readonly job: string;
    readonly jobs: number;
    readonly at: string;
    readonly usage: Usage;
  }[];
}

export interface AccountResource {
  readonly id: string;
  readonly object: "account";
  readonly name: string;
  readonly created_at: string;
  /** Credits at hand, in millionths of a US dollar. */
  readonly balance: number;
  /** Credits set aside for jobs that are not done. */
  readonly reserved: number;
}
