export interface UploadForm {
  readonly url: string;
  /** Form fields to send before the file, in this order. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

/** Object storage. Calls throw RetryableError if it is unreachable. */
export interface ObjectStore {
  /** Creates a form for uploading a file directly to the store. */
  presignUpload(upload: {
    readonly key: string;
    readonly contentType: string;
    readonly maxBytes: number;
    readonly expiresInSeconds: number;
  }): Promise<UploadForm>;
  /** Creates a signed URL. With `saveAs`, browsers download the file with that name instead of showing it. */
  presignDownload(key: string, expiresInSeconds: number, saveAs?: string): Promise<string>;
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** Undefined if the object does not exist. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Size in bytes; undefined if the object does not exist. */
  size(key: string): Promise<number | undefined>;
  /** Deleting a missing object is not an error. */
  delete(key: string): Promise<void>;
  /** Objects after key `after`, sorted by key. A page shorter than `limit` is the last. */
  list(prefix: string, limit: number, after?: string): Promise<readonly StoredObject[]>;
}
