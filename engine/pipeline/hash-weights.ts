import { createHash } from "node:crypto";
import { sha256 } from "../weights/safetensors-file.ts";
import type { Component } from "./component.ts";

/** Tells a file's SHA-256, in lower-case hexadecimal. */
export interface Digests {
  sha256(path: string): Promise<string>;
}

export const readAnew: Digests = { sha256: (path) => sha256({ path }) };

/** SHA-256 over the digests of the components' weight files, in order. */
export async function hashWeights(components: readonly Component[], digests: Digests): Promise<string> {
  const hash = createHash("sha256");
  for (const { checkpoint } of components)
    for (const { path } of checkpoint.files) hash.update(await digests.sha256(path));
  return hash.digest("hex");
}
