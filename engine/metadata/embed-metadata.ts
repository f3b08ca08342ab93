import type { PhotoMetadata } from "./photo-metadata.ts";

/** What a file holds besides its pixels. */
export interface FileMetadata extends PhotoMetadata {
  /** ICC profile. */
  readonly profile?: Uint8Array;
}
