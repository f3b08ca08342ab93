import type { PhotoMetadata } from "./photo-metadata.ts";

/** Content of a file besides its pixels. */
export interface FileMetadata extends PhotoMetadata {
  /** ICC profile. */
  readonly profile?: Uint8Array;
}
