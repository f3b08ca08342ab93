import { VisibleError } from "../../shared/errors.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { Normalize } from "./decoder.ts";

/** An upload as a normalized PNG. `subject` names it in errors. */
export type ReadImage = (
  account: string,
  upload: string,
  subject: string,
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** An image that is being read or decoded, and the number of jobs that wait for it. */
interface Pending {
  readonly subject: string;
  readonly image: Promise<Uint8Array>;
  readonly canceling: AbortController;
  jobs: number;
}

/**
 * The normalized images of uploads, for all jobs of a worker. An upload is decoded when a job first needs it,
 * not when it is completed: the API has no decoder, and an upload that no job uses costs nothing. Jobs that
 * need it at the same time wait for the same decoder. Two workers may both decode it; they store the same
 * bytes.
 */
export class NormalizedImages {
  readonly #objects: ObjectStore;
  readonly #pending = new Map<string, Pending>();

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** @param normalize decodes an image that no other job is decoding */
  reader(normalize: Normalize): ReadImage {
    return async (account, upload, subject, signal) => {
      signal.throwIfAborted();
      const key = objectKeys.normalized(account, upload);
      const pending = this.#pending.get(key) ?? this.#start(key, normalize, account, upload, subject);
      pending.jobs++;
      try {
        return await unlessAborted(pending.image, signal);
      } catch (error) {
        if (!(error instanceof VisibleError) || pending.subject === subject) throw error;
        // The message contains the first job's name of the image.
        throw new VisibleError(
          error.code,
          error.message.replace(pending.subject, () => subject),
          {
            cause: error,
          },
        );
      } finally {
        pending.jobs--;
        if (pending.jobs === 0) {
          pending.canceling.abort();
          if (this.#pending.get(key) === pending) this.#pending.delete(key);
        }
      }
    };
  }

  #start(key: string, normalize: Normalize, account: string, upload: string, subject: string): Pending {
    const canceling = new AbortController();
    const image = readOrDecode(this.#objects, normalize, account, upload, subject, canceling.signal);
    const pending: Pending = { subject, image, canceling, jobs: 0 };
    this.#pending.set(key, pending);
    return pending;
  }
}

async function readOrDecode(
  objects: ObjectStore,
  normalize: Normalize,
  account: string,
  upload: string,
  subject: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const key = objectKeys.normalized(account, upload);
  const known = await objects.get(key);
  if (known) return known;
  const png = await normalize(await readUpload(objects, account, upload), subject, signal);
  await objects.put(key, png, "image/png");
  if ((await objects.size(objectKeys.input(account, upload))) !== undefined) return png;
  // The upload was deleted in the meantime, possibly before this object was stored.
  await objects.delete(key);
  throw uploadGone(upload);
}

/** Reads the file as the caller uploaded it. @throws VisibleError `upload_gone` */
export async function readUpload(objects: ObjectStore, account: string, upload: string): Promise<Uint8Array> {
  const bytes = await objects.get(objectKeys.input(account, upload));
  if (!bytes) throw uploadGone(upload);
  return bytes;
}

const uploadGone = (upload: string) =>
  new VisibleError("upload_gone", `Upload ${upload} no longer exists; upload the file again.`);

/** Settles as `work` does, or rejects with `signal.reason` on abort. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
