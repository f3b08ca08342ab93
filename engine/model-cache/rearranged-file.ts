import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { VisibleError } from "../errors.ts";
import { narrowToFloat16, widenBfloat16, widenFloat16 } from "../graph/half-precision.ts";
import { quantizeColumns } from "../graph/quantize-columns.ts";
import { bytesOf, type DType, elementCount, type Value, type WeightSource } from "../graph/value.ts";
import type { RearrangedWeight } from "../rewrite/rearranged-weights.ts";
import { type RawElements, rearrangeElements } from "../weights/rearrange-elements.ts";
import { openSafetensors, streamSafetensors } from "../weights/safetensors-file.ts";
import type { TensorDtype } from "../weights/tensor-dtype.ts";

/** Increment when the same recipe gives different bytes, such as by other levels of quantization. */
const version = 1;

/** fs.readSync takes a signed 32-bit length. */
const bytesPerRead = 2 ** 30;

const storedAs: Readonly<Partial<Record<DType, TensorDtype>>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int8: "I8",
};

/** A tensor of the file: how its elements are computed, and its name. */
export interface Recipe {
  readonly name: string;
  readonly weight: RearrangedWeight;
}

/**
 * The distinct recipes of these weights, in an order independent of the graph, and the key of the file that
 * holds them. The bytes depend only on the checkpoint's elements and their order, so the key does not contain
 * image size, device, precision or runtime version.
 *
 * @param sha256 computes the digest of a checkpoint file
 */
export async function recipesOf(
  weights: Iterable<RearrangedWeight>,
  sha256: (path: string) => Promise<string>,
): Promise<{ readonly key: string; readonly recipes: ReadonlyMap<string, Recipe> }> {
  const digests = new Map<string, string>();
  const texts = new Map<string, RearrangedWeight>();
  for (const weight of weights) {
    const { file } = weight.source;
    const digest = digests.get(file) ?? (await sha256(file));
    digests.set(file, digest);
    texts.set(textOf(weight, digest), weight);
  }
  const sorted = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
  const recipes = new Map(
    sorted.map(([text, weight], index) => [placeOf(weight), { text, name: String(index), weight }] as const),
  );
  const key = createHash("sha256")
    .update(JSON.stringify([version, ...sorted.map(([text]) => text)]))
    .digest("hex");
  return { key, recipes };
}

/** Identifies a rearranged weight within one process. */
export function placeOf(weight: RearrangedWeight): string {
  return textOf(weight, weight.source.file);
}

function textOf(
  { source, sourceDtype, dtype, shape, strides, offset, part }: RearrangedWeight,
  file: string,
) {
  return JSON.stringify([
    file,
    source.byteOffset,
    source.byteLength,
    sourceDtype,
    dtype,
    shape,
    strides,
    offset,
    ...(part ? [part] : []),
  ]);
}

export function storedBytes(recipes: Iterable<Recipe>): number {
  return [...recipes].reduce((sum, { weight }) => sum + bytesOf(storedType(weight)), 0);
}

function storedType({ dtype, shape, part }: RearrangedWeight): Pick<Value, "dtype" | "shape"> {
  if (part === undefined) return { dtype, shape };
  const columns = shape.at(-1)!;
  if (part === "scales") return { dtype: "float32", shape: [columns] };
  return { dtype: "int8", shape: [elementCount(shape) / columns, columns] };
}

/**
 * Writes the file atomically, computing one weight at a time.
 *
 * @returns its SHA-256 @throws VisibleError `not_writable`, or `invalid_weights` for a checkpoint that was
 * truncated while it was read
 */
export async function writeRearranged(path: string, recipes: Iterable<Recipe>): Promise<string> {
  const hash = createHash("sha256");
  const tensors = [...recipes].map(({ name, weight }) => ({
    name,
    dtype: storedAs[storedType(weight).dtype]!,
    shape: storedType(weight).shape,
    *bytes() {
      const made = compute(weight);
      yield new Uint8Array(made.buffer, made.byteOffset, made.byteLength);
    },
  }));
  await streamSafetensors(path, tensors, {}, (_, piece) => hash.update(piece));
  return hash.digest("hex");
}

/** Locates each tensor; undefined for a file of other tensors. @throws VisibleError `invalid_weights` */
export async function locateRearranged(
  path: string,
  recipes: Iterable<Recipe>,
): Promise<ReadonlyMap<string, WeightSource> | undefined> {
  const { tensors } = await openSafetensors(path);
  const found = new Map<string, WeightSource>();
  for (const { name, weight } of recipes) {
    const entry = tensors.get(name);
    const { dtype, shape } = storedType(weight);
    if (entry?.dtype !== storedAs[dtype] || String(entry?.shape) !== String(shape)) return undefined;
    found.set(name, { file: path, byteOffset: entry!.byteOffset, byteLength: entry!.byteLength });
  }
  return found;
}

function compute({ part, ...weight }: RearrangedWeight): RawElements | Float32Array | Int8Array {
  const elements = rearranged(weight);
  if (part === undefined) return elements;
  const { shape, dtype } = weight;
  return quantizeColumns(widen(elements, dtype), shape.at(-1)!)[part];
}

function rearranged({ source, sourceDtype, dtype, ...order }: RearrangedWeight): RawElements | Float32Array {
  const bytes = readNow(source);
  const moved = rearrangeElements(
    sourceDtype === "float32" ? new Uint32Array(bytes) : new Uint16Array(bytes),
    order,
  );
  if (dtype === sourceDtype) return moved;
  const wide = widen(moved, sourceDtype);
  if (dtype === "float32") return wide;
  const rounded = new Uint16Array(wide.length);
  narrowToFloat16(wide, rounded);
  return rounded;
}

function widen(raw: RawElements | Float32Array, dtype: DType): Float32Array {
  if (raw instanceof Float32Array) return raw;
  if (raw instanceof Uint32Array) return new Float32Array(raw.buffer, raw.byteOffset, raw.length);
  return dtype === "bfloat16" ? widenBfloat16(raw) : widenFloat16(raw);
}

function readNow({ file, byteOffset, byteLength }: WeightSource): ArrayBuffer {
  const bytes = new Uint8Array(byteLength);
  const handle = openSync(file, "r");
  try {
    for (let done = 0; done < byteLength; ) {
      const wanted = Math.min(byteLength - done, bytesPerRead);
      const count = readSync(handle, bytes, done, wanted, byteOffset + done);
      if (count === 0)
        throw new VisibleError(
          "invalid_weights",
          `${file} was truncated while it was read; download it again.`,
        );
      done += count;
    }
  } finally {
    closeSync(handle);
  }
  return bytes.buffer;
}
