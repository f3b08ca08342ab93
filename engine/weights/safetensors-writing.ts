import { InternalError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import { bytesPerElement, type TensorDtype } from "./tensor-dtype.ts";

type Elements =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | BigUint64Array;

/**
 * A tensor to write. `dtype` defines the meaning of raw bits: a Uint16Array may be F16 or BF16, a Uint8Array
 * BOOL.
 */
export interface TensorSource {
  readonly shape: readonly number[];
  readonly data: Elements;
  readonly dtype?: TensorDtype;
}

const dtypeOfArray: Readonly<Record<string, TensorDtype>> = {
  Float32Array: "F32",
  Float64Array: "F64",
  Int32Array: "I32",
  BigInt64Array: "I64",
  Uint8Array: "U8",
  Buffer: "U8",
  Int8Array: "I8",
  Uint16Array: "U16",
  Int16Array: "I16",
  Uint32Array: "U32",
  BigUint64Array: "U64",
};

/** A tensor whose elements are computed while they are written. */
export interface TensorStream {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /**
   * The elements' bytes, row-major and little-endian, in chunks of any length. Each chunk is used before the
   * next is requested.
   */
  bytes(): Iterable<Uint8Array>;
}

/**
 * Encodes a safetensors file. The bytes depend only on the contents: tensors are ordered by descending
 * element size, which aligns them, then by name; metadata by key.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorSource>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const placed = inFileOrder(
    Object.entries(tensors).map(([name, source]) => ({
      name,
      shape: source.shape,
      dtype: checkedDtype(name, source),
      data: source.data,
    })),
  );
  const header = encodeHeader(placed, metadata);
  const bytes = new Uint8Array(
    header.byteLength + placed.reduce((sum, { data }) => sum + data.byteLength, 0),
  );
  bytes.set(header);
  let at = header.byteLength;
  for (const { data } of placed) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

interface Described {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
}

function inFileOrder<T extends Described>(tensors: readonly T[]): T[] {
  return tensors.toSorted(
    (a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype] || byCodeUnit(a.name, b.name),
  );
}

function byteLengthOf({ dtype, shape }: Described): number {
  return shape.reduce((product, extent) => product * extent, bytesPerElement[dtype] as number);
}

/** The length in eight bytes, then the JSON, padded to a multiple of eight. */
function encodeHeader(placed: readonly Described[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const fields: string[] = [];
  const sortedMetadata = Object.entries(metadata).sort(([a], [b]) => byCodeUnit(a, b));
  if (sortedMetadata.length > 0) {
    const pairs = sortedMetadata.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
    fields.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  let end = 0;
  for (const tensor of placed) {
    const { name, dtype, shape } = tensor;
    const entry = { dtype, shape, data_offsets: [end, end + byteLengthOf(tensor)] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    end += byteLengthOf(tensor);
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerLength = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8).set(json, 8);
  return bytes;
}

/**
 * Writes the bytes of `encodeSafetensors` to disk, atomically.
 *
 * @throws VisibleError `not_writable`
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorSource>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeAtomically(path, encodeSafetensors(tensors, metadata));
}

/**
 * `writeSafetensors` for files larger than memory: the same bytes, from tensors that are computed as they are
 * written.
 *
 * @param written called after each chunk with the total size so far and the chunk; an error stops the
 * writing
 * @throws VisibleError `not_writable`
 */
export async function streamSafetensors(
  path: string,
  tensors: readonly TensorStream[],
  metadata: Readonly<Record<string, string>> = {},
  written: (bytes: number, piece: Uint8Array) => void = () => undefined,
): Promise<void> {
  const placed = inFileOrder(tensors);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    let total = 0;
    const count = (piece: Uint8Array): Uint8Array => {
      total += piece.byteLength;
      written(total, piece);
      return piece;
    };
    yield count(encodeHeader(placed, metadata));
    for (const tensor of placed) {
      const before = total;
      for (const piece of tensor.bytes()) yield count(piece);
      if (total - before !== byteLengthOf(tensor))
        throw new InternalError(
          `tensor "${tensor.name}" gave ${total - before} bytes for ${tensor.dtype} [${tensor.shape.join(", ")}]`,
        );
    }
  }
  await writeAtomically(path, pieces());
}

function checkedDtype(name: string, { shape, data, dtype: wanted }: TensorSource): TensorDtype {
  const dtype = wanted ?? dtypeOfArray[data.constructor.name];
  if (name === "__metadata__" || dtype === undefined)
    throw new InternalError(
      `tensor "${name}" (${data.constructor.name}) cannot be stored in a safetensors file`,
    );
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (data.BYTES_PER_ELEMENT !== bytesPerElement[dtype] || data.length !== count)
    throw new InternalError(
      `tensor "${name}" is ${dtype} [${shape.join(", ")}] but its data has ${data.length} × ${data.BYTES_PER_ELEMENT} bytes`,
    );
  return dtype;
}

/** Not localeCompare, so that the order does not depend on the machine's locale. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
