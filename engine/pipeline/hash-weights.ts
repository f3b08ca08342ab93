import { createHash } from "node:crypto";
import type { SafetensorsFile } from "../weights/safetensors-file.ts";
import { combineIdentities, identifyTensors } from "../weights/tensor-identity.ts";
import type { Component } from "./component.ts";

/** Tells the identity of a file's weights, in lower-case hexadecimal. */
export interface Identities {
  identify(file: SafetensorsFile): Promise<string>;
}

export const readAnew: Identities = { identify: identifyTensors };

/**
 * What the components' weights are, in order, whatever the files: names, shapes and values to half precision. A copy in half precision,
 * one in shards, and one saved again by another program have the same.
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
