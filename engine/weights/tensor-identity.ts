import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { VisibleError } from "../errors.ts";
import { narrowToFloat16, widenBfloat16 } from "../graph/half-precision.ts";
import type { SafetensorsFile } from "./safetensors-file.ts";
import type { TensorEntry } from "./safetensors-header.ts";
import type { TensorDtype } from "./tensor-dtype.ts";

/** Bytes read at once; a multiple of every element size. */
const chunkBytes = 2 ** 22;

/**
 * Rounds each floating-point dtype to half precision. Integer tensors are ignored, because only some library
 * versions save them.
 */
const toFloat16: { readonly [D in TensorDtype]?: (bytes: ArrayBuffer) => Uint16Array } = {
  F64: (bytes) => narrowed(Float32Array.from(new Float64Array(bytes))),
  F32: (bytes) => narrowed(new Float32Array(bytes)),
  F16: (bytes) => new Uint16Array(bytes),
  BF16: (bytes) => narrowed(widenBfloat16(new Uint16Array(bytes))),
};

function narrowed(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  narrowToFloat16(values, bits);
  return bits;
}

/**
 * Identifies a file's weights by a hash in hexadecimal: the hashes of each tensor's name, shape and values
 * rounded to half
 * precision, combined by exclusive or. It is the same for a half-precision copy and for any order of tensors,
 * and the
 * identities of several files combine to that of one file with all their tensors ({@link combineIdentities}).
 *
 * @throws VisibleError `invalid_weights` if the file was truncated while it was read
 */
export async function identifyTensors(file: SafetensorsFile): Promise<string> {
  const handle = await open(file.path);
  try {
    const identities: string[] = [];
    for (const entry of file.tensors.values())
      if (toFloat16[entry.dtype]) identities.push(await identifyTensor(handle, file.path, entry));
    return combineIdentities(identities);
  } finally {
    await handle.close();
  }
}

export function combineIdentities(identities: readonly string[]): string {
  const sum = Buffer.alloc(32);
  for (const identity of identities)
    for (const [i, byte] of Buffer.from(identity, "hex").entries()) sum[i]! ^= byte;
  return sum.toString("hex");
}

async function identifyTensor(
  handle: FileHandle,
  path: string,
  { name, shape, dtype, byteOffset, byteLength }: TensorEntry,
): Promise<string> {
  // transformers 5 omits the prefix that earlier versions write.
  const hash = createHash("sha256").update(JSON.stringify([name.replace(/^text_model\./, ""), shape]));
  for (let at = 0; at < byteLength; at += chunkBytes) {
    const bytes = new ArrayBuffer(Math.min(chunkBytes, byteLength - at));
    const view = new Uint8Array(bytes);
    for (let done = 0; done < view.length; ) {
      const { bytesRead } = await handle.read(view, done, view.length - done, byteOffset + at + done);
      if (bytesRead === 0)
        throw new VisibleError(
          "invalid_weights",
          `${path} was truncated while it was read; download it again.`,
        );
      done += bytesRead;
    }
    const half = toFloat16[dtype]!(bytes);
    hash.update(new Uint8Array(half.buffer, half.byteOffset, half.byteLength));
  }
  return hash.digest("hex");
}
