const padded = (part: number): string => String(part).padStart(5, "0");

/**
 * Keys of objects. They are derived from IDs only, so a repeated delivery overwrites the same object and
 * callers cannot influence keys.
 */
export const objectKeys = {
  /** Target of the upload form; only `complete` reads it. */
  upload: (account: string, id: string) => `uploads/${account}/${id}`,
  /** The validated copy, which no form can overwrite. */
  input: (account: string, id: string) => `inputs/${account}/${id}`,
  /** An input image, decoded once by a worker. Later jobs read it. */
  normalized: (account: string, id: string) => `normalized/${account}/${id}.png`,
  instructionFolder: (account: string, id: string) => `instructions/${account}/${id}/`,
  instruction: (account: string, id: string) => `instructions/${account}/${id}/instruction.visii`,
  /** Checkpoint of a running learning job. */
  learningState: (account: string, id: string) => `instructions/${account}/${id}/state`,
  preview: (account: string, id: string) => `instructions/${account}/${id}/preview.jpg`,
  thumbnail: (account: string, id: string) => `instructions/${account}/${id}/thumbnail.jpg`,
  lut: (account: string, id: string) => `instructions/${account}/${id}/lut.cube`,
  losses: (account: string, id: string) => `instructions/${account}/${id}/losses.json`,
  resultFolder: (account: string, id: string) => `results/${account}/${id}/`,
  /** Variation `variation` of image `index`. */
  result: (account: string, id: string, index: number, variation: number, format: string) =>
    `results/${account}/${id}/${String(index).padStart(3, "0")}-${variation}.${format}`,
  /** Images that an account's tools store for batches by prefix. */
  drop: (account: string, prefix: string) => `drops/${account}/${prefix}`,
  /** Folder of a batch. */
  batch: (account: string, id: string) => `batches/${account}/${id}/`,
  /** Input lines of a batch, one part per object. */
  batchInput: (account: string, id: string, part: number) =>
    `batches/${account}/${id}/input/${padded(part)}.jsonl`,
  /** Output lines of a batch, one part per object. */
  batchOutput: (account: string, id: string, part: number) =>
    `batches/${account}/${id}/output/${padded(part)}.jsonl`,
} as const;

/** Top-level folders; each key starts with one of these and the account's ID. */
export const objectFolders = [
  "uploads",
  "inputs",
  "normalized",
  "instructions",
  "results",
  "drops",
  "batches",
] as const;

/** Seconds. */
export const lifetimes = {
  uploadForm: 15 * 60,
  /** Row of an upload that is not completed; the sweeper deletes the file earlier. */
  uncompletedUpload: 24 * 3600,
  signedLink: 60 * 60,
  /** Default retention of results. */
  result: 7 * 24 * 3600,
  /** Maximum retention of a plan; the bucket's lifecycle rule deletes older results. */
  longestResult: 366 * 24 * 3600,
  /** Completed uploads and a batch's files. A job that uses an expired one fails with `upload_gone`. */
  input: 30 * 24 * 3600,
  /** Normalized images. An expired one is created again. */
  normalized: 24 * 3600,
  /** Ended lines, until the batch's output contains them; a batch ends before its inputs expire. */
  batchLine: 31 * 24 * 3600,
  /** Webhook deliveries, which contain the job's metadata. */
  delivery: 30 * 24 * 3600,
  /** Row of an edit or a batch after its results have expired. */
  record: 90 * 24 * 3600,
  events: 24 * 3600,
  idempotency: 24 * 3600,
} as const;
