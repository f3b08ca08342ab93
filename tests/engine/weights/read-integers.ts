import { readFile } from "node:fs/promises";
import type { SafetensorsFile } from "../../../engine/weights/safetensors-file.ts";

const toNumbers: Readonly<Record<string, (buffer: ArrayBuffer) => number[]>> = {
  I64: (buffer) => Array.from(new BigInt64Array(buffer), Number),
  I32: (buffer) => Array.from(new Int32Array(buffer)),
  U8: (buffer) => Array.from(new Uint8Array(buffer)),
};

/** One integer tensor's values in row-major order. */
export async function readIntegers({ path, tensors }: SafetensorsFile, name: string): Promise<number[]> {
  const { dtype, byteOffset, byteLength } = tensors.get(name)!;
  const bytes = await readFile(path);
  return toNumbers[dtype]!(Uint8Array.from(bytes.subarray(byteOffset, byteOffset + byteLength)).buffer);
}
