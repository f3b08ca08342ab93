import { openSafetensors, readBytes } from "../weights/safetensors-file.ts";

/** The weight files of one model folder, each read into memory once and shared by all its sessions. */
export class WeightBytes {
  /** The folder below which the files lie; models name them relative to it. */
  readonly root: string;
  readonly #files = new Map<string, Promise<Uint8Array>>();

  constructor(root: string) {
    this.root = root;
  }

  read(file: string): Promise<Uint8Array> {
    const known = this.#files.get(file);
    if (known) return known;
    const bytes = openSafetensors(file).then(readBytes);
    this.#files.set(file, bytes);
    return bytes;
  }
}
