import { createHash } from "node:crypto";
import type { SafetensorsFile } from "../weights/safetensors-file.ts";
import { combineIdentities, identifyTensors } from "../weights/tensor-identity.ts";
import type { Component } from "./component.ts";

/** Identifies a file's weights by a hash in lowercase hexadecimal. */
export interface Identities {
  identify(file: SafetensorsFile): Promise<string>;
}

export const withoutCache: Identities = { identify: identifyTensors };

/**
 * Hash of the components' weights, independent of their files: names, shapes and values rounded to half
 * precision. A half-precision copy, a sharded copy and a copy saved by another program have the same hash.
 */
export async function hashWeights(components: readonly Component[], identities: Identities): Promise<string> {
  const hash = createHash("sha256");
  for (const { checkpoint } of components) {
    const parts: string[] = [];
    for (const file of checkpoint.files) parts.push(await identities.identify(file));
    hash.update(combineIdentities(parts));
  }
  return hash.digest("hex");
}
