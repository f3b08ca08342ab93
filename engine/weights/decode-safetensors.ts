import { VisibleError } from "../errors.ts";
import { parseSafetensorsHeader } from "./safetensors-header.ts";

/** A small safetensors file that lies in memory: every F32 tensor's values, and the metadata. */
export interface DecodedSafetensors {
  readonly tensors: ReadonlyMap<string, Float32Array>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * @param subject what the bytes are called in messages
 * @throws VisibleError `invalid_weights` if they are no sound safetensors file, or hold anything but F32
 */
export function decodeSafetensors(bytes: Uint8Array, subject: string): DecodedSafetensors {
  const refuse = (why: string) => new VisibleError("invalid_weights", `${subject} ${why}.`);
  if (bytes.byteLength < 8) throw refuse("is shorter than a safetensors header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const dataStart = 8 + headerBytes;
  if (dataStart > bytes.byteLength) throw refuse("ends inside its header");
  const header = parseSafetensorsHeader(bytes.subarray(8, dataStart), dataStart, bytes.byteLength, subject);
  const tensors = new Map<string, Float32Array>();
  for (const { name, dtype, byteOffset, byteLength } of header.tensors.values()) {
    if (dtype !== "F32") throw refuse(`holds "${name}" as ${dtype}, not F32`);
    tensors.set(name, new Float32Array(copyOf(bytes, byteOffset, byteLength)));
  }
  return { tensors, metadata: header.metadata };
}

/** A buffer of its own: `slice` of a Node Buffer would be a view into another. */
function copyOf(bytes: Uint8Array, offset: number, length: number): ArrayBuffer {
  return Uint8Array.from(bytes.subarray(offset, offset + length)).buffer;
}
