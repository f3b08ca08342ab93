export interface UploadForm {
  readonly url: string;
  /** Form fields to send before the file, in this order. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

/** Calls throw RetryableError when the store is out of reach. */
export interface ObjectStore {
  /** A form that a browser or phone posts a file with, straight to the store. */
  presignUpload(upload: {
    readonly key: string;
    readonly contentType: string;
    readonly maximumBytes: number;
    readonly expiresInSeconds: number;
  }): Promise<UploadForm>;
  /**
   * A link that whoever holds it may read until it expires. With `saveAs` a browser saves the file under that name, and does not
   * show it.
   */
  presignDownload(key: string, expiresInSeconds: number, saveAs?: string): Promise<string>;
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** Undefined when there is no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Size in bytes; undefined when there is no such object. */
  size(key: string): Promise<number | undefined>;
  /** An object that is not there is no error. */
  delete(key: string): Promise<void>;
  /** Sorted by key, those beyond `after`. A page shorter than `limit` is the last. */
  list(prefix: string, limit: number, after?: string): Promise<readonly StoredObject[]>;
}
