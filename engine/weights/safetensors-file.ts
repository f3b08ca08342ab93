import { type FileHandle, open } from "node:fs/promises";
import { InternalError, VisibleError } from "../errors.ts";
import {
  maxHeaderBytes,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensors-header.ts";
import { widenFloats } from "./widen-floats.ts";

export {
  encodeSafetensors,
  streamSafetensors,
  type TensorSource,
  type TensorStream,
  writeSafetensors,
} from "./safetensors-writing.ts";

/** A checkpoint file with a validated header; its tensors are not read yet. `size` is in bytes. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  readonly size: number;
}

/** Start of the pointer files that a Git clone without LFS contains. */
const lfsPointer = Buffer.from("version ");

/** fs.read takes a signed 32-bit length. */
const bytesPerRead = 2 ** 30;

/**
 * Reads and validates a file's header.
 *
 * @throws VisibleError `weights_not_found`, `invalid_weights`
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, async (handle) => {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new VisibleError("invalid_weights", `${path} is not a file; give a .safetensors file.`);
    const tooShort = () =>
      new VisibleError(
        "invalid_weights",
        `${path} is not a valid safetensors file: it ends inside its header; download it again.`,
      );
    if (stat.size < 8) throw tooShort();
    const prefix = await readExactly(handle, 0, 8, path);
    if (prefix.equals(lfsPointer))
      throw new VisibleError(
        "invalid_weights",
        `${path} is a Git LFS pointer instead of the weights; run git lfs pull in its folder, or download it again.`,
      );
    const headerBytes = prefix.readBigUInt64LE(0);
    if (headerBytes > BigInt(maxHeaderBytes))
      throw new VisibleError(
        "invalid_weights",
        `${path} is not a safetensors file: its header length is ${headerBytes} bytes; give a .safetensors file.`,
      );
    const dataStart = 8 + Number(headerBytes);
    if (dataStart > stat.size) throw tooShort();
    const header = await readExactly(handle, 8, Number(headerBytes), path);
    return { path, size: stat.size, ...parseSafetensorsHeader(header, dataStart, stat.size, path) };
  });
}

/**
 * Reads a floating-point tensor in row-major order, as float32.
 *
 * @throws VisibleError `tensor_not_found`, `unsupported_dtype`, `invalid_weights` (the file was truncated
 * while it was read)
 */
export async function readTensor(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const entry = entryOf(file, name);
  return widenFloats(entry, await readEntry(file, entry), file.path);
}

function entryOf(file: SafetensorsFile, name: string): TensorEntry {
  const entry = file.tensors.get(name);
  if (entry === undefined)
    throw new VisibleError("tensor_not_found", `${file.path} has no tensor "${name}".`);
  return entry;
}

async function readEntry(file: SafetensorsFile, entry: TensorEntry): Promise<ArrayBuffer> {
  const bytes = await withFile(file.path, (handle) =>
    readExactly(handle, entry.byteOffset, entry.byteLength, file.path),
  );
  if (
    bytes.byteOffset !== 0 ||
    bytes.buffer.byteLength !== entry.byteLength ||
    !(bytes.buffer instanceof ArrayBuffer)
  )
    throw new InternalError(`buffer of tensor "${entry.name}" is a view of another one`);
  return bytes.buffer;
}

async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length; ) {
    const wanted = Math.min(length - done, bytesPerRead);
    const { bytesRead } = await handle.read(bytes, done, wanted, position + done);
    if (bytesRead === 0)
      throw new VisibleError(
        "invalid_weights",
        `${path} was truncated while it was read; download it again.`,
      );
    done += bytesRead;
  }
  return bytes;
}

async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === "ENOENT" ? "does not exist" : `cannot be opened (${cause.code ?? cause.message})`;
    throw new VisibleError("weights_not_found", `${path} ${why}; check the model folder.`, { cause });
  });
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
