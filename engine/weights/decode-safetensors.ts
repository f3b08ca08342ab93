import { VisibleError } from "../errors.ts";
import { parseSafetensorsHeader, type SafetensorsHeader } from "./safetensors-header.ts";
import { widenFloats } from "./widen-floats.ts";

/** A small safetensors file in memory: every tensor as float32, and the metadata. */
export interface DecodedSafetensors {
  readonly tensors: ReadonlyMap<string, Float32Array>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * @param subject name of the bytes in messages
 * @throws VisibleError `invalid_weights` for an invalid safetensors file, `unsupported_dtype` for integer
 * tensors
 */
export function decodeSafetensors(bytes: Uint8Array, subject: string): DecodedSafetensors {
  const header = decodeHeader(bytes, subject);
  const names = [...header.tensors.keys()];
  return {
    tensors: new Map(names.map((name) => [name, decodeTensor(bytes, header, name, subject)])),
    metadata: header.metadata,
  };
}

/** @throws VisibleError `invalid_weights` */
export function decodeHeader(bytes: Uint8Array, subject: string): SafetensorsHeader {
  const refuse = (why: string) => new VisibleError("invalid_weights", `${subject} ${why}.`);
  if (bytes.byteLength < 8) throw refuse("is shorter than a safetensors header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const dataStart = 8 + headerBytes;
  if (dataStart > bytes.byteLength) throw refuse("ends inside its header");
  return parseSafetensorsHeader(bytes.subarray(8, dataStart), dataStart, bytes.byteLength, subject);
}

/** The values of a tensor of the header. @throws VisibleError `unsupported_dtype` */
export function decodeTensor(
  bytes: Uint8Array,
  { tensors }: SafetensorsHeader,
  name: string,
  subject: string,
): Float32Array {
  const entry = tensors.get(name)!;
  // Copy into a new buffer: `slice` of a Node Buffer would be a view into another.
  const { buffer } = Uint8Array.from(bytes.subarray(entry.byteOffset, entry.byteOffset + entry.byteLength));
  return widenFloats(entry, buffer, subject);
}
