const padded = (part: number): string => String(part).padStart(5, "0");

/**
 * Where objects lie. Keys follow from ids alone, so that a repeated delivery writes the same object again, and no caller's
 * words ever become part of a key.
 */
export const objectKeys = {
  /** Where the form posts to; nobody reads it but `complete`. */
  upload: (account: string, id: string) => `uploads/${account}/${id}`,
  /** The checked copy, which no form can write over. */
  input: (account: string, id: string) => `inputs/${account}/${id}`,
  instructionFolder: (account: string, id: string) => `instructions/${account}/${id}/`,
  instruction: (account: string, id: string) => `instructions/${account}/${id}/instruction.visii`,
  /** Optimizer state of a learning that is not done. */
  learningState: (account: string, id: string) => `instructions/${account}/${id}/state`,
  preview: (account: string, id: string) => `instructions/${account}/${id}/preview.jpg`,
  thumbnail: (account: string, id: string) => `instructions/${account}/${id}/thumbnail.jpg`,
  lut: (account: string, id: string) => `instructions/${account}/${id}/lut.cube`,
  losses: (account: string, id: string) => `instructions/${account}/${id}/losses.json`,
  resultFolder: (account: string, id: string) => `results/${account}/${id}/`,
  /** Variation `variation` of image `index`. */
  result: (account: string, id: string, index: number, variation: number, format: string) =>
    `results/${account}/${id}/${String(index).padStart(3, "0")}-${variation}.${format}`,
  /** Where an account's own tools put pictures for batches by prefix. */
  drop: (account: string, prefix: string) => `drops/${account}/${prefix}`,
  /** All that is stored of a batch. */
  batch: (account: string, id: string) => `batches/${account}/${id}/`,
  /** The images of a batch, a part of its lines to an object. */
  batchInput: (account: string, id: string, part: number) =>
    `batches/${account}/${id}/input/${padded(part)}.jsonl`,
  /** The same lines once they have ended. */
  batchOutput: (account: string, id: string, part: number) =>
    `batches/${account}/${id}/output/${padded(part)}.jsonl`,
} as const;

/** Where an account has objects: the keys above begin with one of these and its id. */
export const objectFolders = ["uploads", "inputs", "instructions", "results", "drops", "batches"] as const;

/** Seconds. */
export const lifetimes = {
  uploadForm: 15 * 60,
  /** Of the row of an upload that nobody completes; the sweeper deletes the file before. */
  uncompletedUpload: 24 * 3600,
  signedLink: 60 * 60,
  /** A signed link is for looking; what it points to lives this long. */
  result: 7 * 24 * 3600,
  /** The longest that a plan may keep results; beyond it the store itself deletes what was forgotten. */
  longestResult: 366 * 24 * 3600,
  /** Of a checked upload, and of a batch's files; a job that names one later fails with `upload_gone`. */
  input: 30 * 24 * 3600,
  /** Of a line that has ended, until the batch's output holds it; a batch ends while its inputs last. */
  batchLine: 31 * 24 * 3600,
  /** Of a webhook's delivery, which holds the metadata of what it tells of. */
  delivery: 30 * 24 * 3600,
  /** Of the row of an edit or a batch after its end, and after its results are gone. */
  record: 90 * 24 * 3600,
  events: 24 * 3600,
  idempotency: 24 * 3600,
} as const;
