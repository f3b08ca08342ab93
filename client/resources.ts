/**
 * JSON types of the service's requests and responses, without a dependency on a schema library. Optional
 * fields may be absent. Times are ISO 8601 in UTC, credits are millionths of a US dollar.
 */

/** RFC 9457. `code` is stable; `detail` is human-readable. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly request_id: string;
  /** Invalid fields, for `invalid_request`. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

export type Status = "queued" | "running" | "succeeded" | "failed" | "canceled";

/** The caller's metadata, at most 20 keys, stored and returned unchanged. */
export type Metadata = Readonly<Record<string, string>>;

export interface JobError {
  /** A stable error code. */
  readonly code: string;
  readonly message: string;
}

export interface Progress {
  /** `prepare`, `prepare_samples` and `learn`, or `edit`. */
  readonly stage: string;
  /** Completed steps of this stage. */
  readonly step: number;
  readonly steps: number;
  /** Loss of this step, while learning. */
  readonly loss?: number;
  /** Approximate seconds to the end of the stage. */
  readonly eta_seconds?: number;
}

export interface Usage {
  readonly compute_seconds: number;
  /** Learning steps, or sampling steps of all results. */
  readonly steps: number;
  /** Number of results. */
  readonly images: number;
  /** Pixels of all results. */
  readonly pixels: number;
  readonly credits: number;
}

export interface JobUrls {
  readonly self: string;
  readonly cancel: string;
  readonly events: string;
}

/** A live event of a job. `result` means that there is a new result; the edit contains its URL. */
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
  /** Size of the file, which is also the form's limit. */
  readonly bytes: number;
  /** Such as `shop/2026/shoe.jpg`; see `upload_prefix` of a batch. Names need not be unique. */
  readonly name?: string | undefined;
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
  /** SHA-256 of the received bytes, in hex. */
  readonly sha256?: string;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly name?: string;
  /** ID of the upload token that created it. */
  readonly token?: string;
}

export interface CreateUploadToken {
  /** Seconds, from 60 to 3600. Default: 900. */
  readonly expires_in?: number | undefined;
  /** Number of uploads that the token can create. Default: no limit. */
  readonly max_uploads?: number | undefined;
  /** Bytes of all its uploads together. Default: no limit. */
  readonly max_bytes?: number | undefined;
}

export interface UploadTokenResource {
  readonly id: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly max_uploads?: number;
  readonly max_bytes?: number;
  /** Number of uploads created with the token, and their bytes. */
  readonly uploads: number;
  readonly bytes: number;
}

export interface CreatedUploadToken extends UploadTokenResource {
  /** Can be used as the `key` of a client that only creates and completes uploads. */
  readonly token: string;
}

export interface Download {
  /** A public `https:` URL, or a `data:` URI. */
  readonly url: string;
  readonly name?: string | undefined;
}

export interface CreateInstruction {
  /** Uploads of a photo before and after the edit; more pairs generalize better. */
  readonly pairs: readonly { readonly before: string; readonly after: string }[];
  readonly name?: string | undefined;
  /** Initial prompt. */
  readonly init?: string | undefined;
  /** Learning steps. Default: the model's setting. */
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  /** What is learned: rows of the text embedding, or keys and values of the cross-attention layers. */
  readonly space?: "text" | "kv" | undefined;
  readonly learning_rate?: number | undefined;
  /** Text guidance scale in the loss, and for edits with the instruction. */
  readonly text_guidance?: number | undefined;
  /** Image guidance scale in the loss. */
  readonly image_guidance?: number | undefined;
  /** Weight of the CLIP loss. The space `kv` has no CLIP loss. */
  readonly clip_weight?: number | undefined;
  readonly metadata?: Metadata | undefined;
  readonly webhook?: string | undefined;
}

export interface ImportInstruction {
  /** ID of a `.visii` upload with type `application/vnd.visii`. */
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
  /** The before image, edited by the current instruction. */
  readonly preview_url?: string;
  /** The first pair, side by side: a JPEG of 384×192 pixels. */
  readonly thumbnail_url?: string;
  /** A 3D lookup table (`.cube`) that reproduces the edit, if the pairs show only a color change. */
  readonly lut_url?: string;
  /** Default text guidance scale of edits with this instruction: the value it was learned with. */
  readonly text_guidance?: number;
  /** The initial prompt. */
  readonly caption?: string;
  /** Problems found in the pairs or during learning. */
  readonly warnings?: readonly string[];
  /** The `.visii` file. */
  readonly file_url?: string;
  readonly losses?: readonly { readonly step: number; readonly loss: number; readonly validation?: number }[];
  readonly error?: JobError;
  /** Credits reserved on submission. The charge, `usage.credits`, is never higher. */
  readonly cost: number;
  readonly usage?: Usage;
}

export type OutputFormat = "png" | "jpeg" | "webp";

export type Sampler = "euler-ancestral" | "euler" | "heun" | "ddim" | "dpmpp-2m-karras" | "unipc" | "lcm";

/** Options of an edit. Absent options use the model's defaults. */
export interface EditOptions {
  /** A text prompt, alone or combined with the instruction. */
  readonly text?: string | undefined;
  readonly mixing?: "joined" | "in-turn" | undefined;
  readonly text_guidance?: number | undefined;
  readonly image_guidance?: number | undefined;
  /** The part of the sampling that is guided, as two fractions in order: 0 is pure noise, 1 the end. */
  readonly guidance_interval?: readonly number[] | undefined;
  /** Sampling steps. */
  readonly steps?: number | undefined;
  /** `heun` counts two steps for each except the last; `lcm` requires a model distilled for it. */
  readonly scheduler?: Sampler | undefined;
  /** Negative prompt. Requires a text guidance scale above 1. */
  readonly negative?: string | undefined;
  /** Fraction of the steps to run, above 0 and at most 1, starting from the image with noise added. */
  readonly strength?: number | undefined;
  /** `fixed`: the noise that was used to learn the instruction. `fresh`: new noise. */
  readonly noise?: "fixed" | "fresh" | undefined;
  readonly seed?: number | undefined;
  /** Results per image. Values above 1 use fresh noise. */
  readonly count?: number | undefined;
  /**
   * Metadata (EXIF, IPTC and XMP) of the photo that results keep. `safe`, the default, omits the location.
   */
  readonly photo_metadata?: "safe" | "keep" | "strip" | undefined;
  /** Default: `srgb`. `keep`: the color space of the photo, such as Display P3. */
  readonly color_profile?: "srgb" | "keep" | undefined;
  /** Default: `png`. */
  readonly format?: OutputFormat | undefined;
}

export interface CreateEdit extends EditOptions {
  readonly instruction?: string | undefined;
  /** IDs of completed uploads. */
  readonly images: readonly string[];
  /** ID of a completed upload with the aspect ratio of every image: white is edited, black is kept. */
  readonly mask?: string | undefined;
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
  /** The results so far. */
  readonly results: readonly EditResult[];
  /** When the results are deleted. Their signed URLs expire earlier. */
  readonly results_expire_at?: string;
  /** True after the results were deleted. */
  readonly expired?: boolean;
  readonly error?: JobError;
  /** Credits reserved on submission. The charge, `usage.credits`, is never higher. */
  readonly cost: number;
  readonly usage?: Usage;
}

export interface EditResult {
  /** ID of the upload that was edited. */
  readonly input: string;
  /** A signed URL, valid without an API key. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
  /** When the signed URL expires. Fetching the edit again returns a new one. */
  readonly expires_at: string;
}

/** Either `at`, to run once, or `cron`, five fields in `time_zone` (an IANA name; default: UTC). */
export interface Schedule {
  readonly at?: string | undefined;
  readonly cron?: string | undefined;
  readonly time_zone?: string | undefined;
}

/** Set exactly one of `images`, `manifest`, `prefix` and `upload_prefix`. */
export interface CreateBatch {
  readonly instruction: string;
  /** IDs of completed uploads. */
  readonly images?: readonly string[] | undefined;
  /** ID of a completed upload of JSON Lines. Each line: `{"image": "upl_…", "custom_id": "…"}`. */
  readonly manifest?: string | undefined;
  /**
   * All completed uploads whose `name` starts with this. Each run of a schedule edits those completed since
   * its previous run.
   */
  readonly upload_prefix?: string | undefined;
  /** All images in the account's folder of the bucket whose names start with this prefix. */
  readonly prefix?: string | undefined;
  readonly options?: EditOptions | undefined;
  /** When to run. Default: now. */
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
  /** Counts of the images. A schedule has none; its runs do. */
  readonly counts?: BatchCounts;
  /** For a run of a schedule: the schedule's ID. */
  readonly schedule_of?: string;
  readonly schedule?: { readonly at?: string; readonly cron?: string; readonly time_zone?: string };
  readonly next_run_at?: string;
  /** URL of one JSON line for each image that succeeded. It does not expire and requires an API key. */
  readonly output_url?: string;
  /** One JSON line for each image that did not succeed. */
  readonly errors_url?: string;
  readonly error?: JobError;
  readonly metadata?: Metadata;
}

/** A line of a batch's output. */
export interface BatchLine {
  /** Index in the batch, from 0. */
  readonly line: number;
  /** ID of its edit, which does not exist if the line could not be submitted. */
  readonly edit: string;
  readonly status: Status;
  readonly custom_id?: string;
  /** These URLs are valid as long as the results exist, and require an API key. */
  readonly results?: readonly { readonly url: string; readonly width: number; readonly height: number }[];
  readonly error?: JobError;
  readonly usage?: Usage;
}

/** `read` allows GET, `write` creating and changing, `keys` managing keys and webhooks. */
export type Scope = "read" | "write" | "keys";

export interface CreateKey {
  readonly name?: string | undefined;
  /** Default: `read` and `write`. */
  readonly scopes?: readonly Scope[] | undefined;
  /** When the key expires. Default: never. */
  readonly expires_at?: string | undefined;
  /** Credits that the key can spend in a calendar month (UTC). Default: no limit. */
  readonly monthly_limit?: number | undefined;
}

export interface KeyResource {
  readonly id: string;
  readonly name?: string;
  readonly scopes: readonly Scope[];
  /** First characters of the key, to identify it. */
  readonly hint: string;
  readonly created_at: string;
  readonly expires_at?: string;
  /** Rounded to the hour. */
  readonly last_used_at?: string;
  readonly monthly_limit?: number;
  /** Spending of the current month, if the key has a limit. */
  readonly spending?: {
    readonly month: string;
    readonly charged: number;
    readonly reserved: number;
    readonly remaining: number;
  };
}

export interface CreatedKey extends KeyResource {
  readonly secret: string;
}

export type WebhookEvent = `${"instruction" | "edit" | "batch"}.${"succeeded" | "failed" | "canceled"}`;
/** Type of a webhook payload: an event, or `ping`. */
export type PayloadType = WebhookEvent | "ping";

/** Payload of a webhook. */
export interface WebhookPayload {
  readonly type: PayloadType;
  /** When the event occurred. */
  readonly timestamp: string;
  readonly data: {
    /** ID of the instruction, edit or batch. */
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
  /** Default: all events. */
  readonly events?: readonly WebhookEvent[] | undefined;
}

export interface UpdateWebhook {
  readonly url?: string | undefined;
  /** `null` selects all events. */
  readonly events?: readonly WebhookEvent[] | null | undefined;
  readonly enabled?: boolean | undefined;
}

export interface WebhookResource {
  readonly id: string;
  readonly url: string;
  readonly events?: readonly WebhookEvent[];
  /** False after the receiver returned 410 Gone. */
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
  /** Status of the last response; absent if there was none. */
  readonly response_status?: number;
  readonly last_error?: string;
  readonly next_attempt_at?: string;
  readonly created_at: string;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  /** Available credits. */
  readonly balance: number;
  /** Credits reserved for unfinished jobs. */
  readonly reserved: number;
  readonly totals: Usage & { readonly jobs: number };
  /** Charges, oldest first; at most 1000. */
  readonly records: readonly {
    /** ID of the instruction or edit, or of a batch, whose edits are charged together. */
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
  /** Available credits, in millionths of a US dollar. */
  readonly balance: number;
  /** Credits reserved for unfinished jobs. */
  readonly reserved: number;
  /** Bytes of uploads and results, and how many the account may store. */
  readonly stored_bytes: number;
  readonly storage_limit: number;
  /** Schedules that have not ended. */
  readonly schedules: number;
}
