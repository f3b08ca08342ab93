import { VisibleError } from "../errors.ts";
import { firstDuplicateKey } from "./duplicate-keys.ts";
import { bytesPerElement, isTensorDtype, type TensorDtype } from "./tensor-dtype.ts";

/** Location of a tensor. `byteOffset` is relative to the start of the file, not of its data part. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's limit on the JSON part, which also limits the work for a malicious file. */
export const maxHeaderBytes = 100_000_000;

const maxRank = 16;

type JsonObject = Readonly<Record<string, unknown>>;
type Refuse = (reason: string) => VisibleError;

/**
 * Parses the JSON part of a safetensors file (https://github.com/huggingface/safetensors, "Format") as
 * untrusted input.
 *
 * @param bytes the JSON part; trailing spaces are padding
 * @param dataStart offset of the tensor data in the file
 * @param fileSize the file's length in bytes; the tensors must fill it without gap or overlap
 * @param subject name of the file in errors
 * @throws VisibleError `invalid_weights`, naming the file and the tensor, if any
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  dataStart: number,
  fileSize: number,
  subject: string,
): SafetensorsHeader {
  const refuse: Refuse = (reason) =>
    new VisibleError(
      "invalid_weights",
      `${subject} is not a valid safetensors file: ${reason}; download it again.`,
    );
  if (bytes.byteLength > maxHeaderBytes)
    throw refuse(`its header of ${bytes.byteLength} bytes is over the limit of ${maxHeaderBytes}`);
  if (!Number.isSafeInteger(fileSize) || dataStart > fileSize)
    throw refuse("its header ends beyond the file");

  const header = parseJson(bytes, refuse);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== "__metadata__") tensors.set(name, parseEntry(name, value, dataStart, refuse));
  }
  checkLayout(tensors, dataStart, fileSize, refuse);
  return { tensors, metadata: parseMetadata(header, refuse) };
}

function parseJson(bytes: Uint8Array, refuse: Refuse): JsonObject {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw refuse("its header is not JSON in UTF-8");
  }
  if (!isObject(value)) throw refuse("its header is not a JSON object");
  const twice = firstDuplicateKey(text);
  if (twice !== undefined) throw refuse(`its header has the key ${quote(twice)} twice`);
  return value;
}

function parseEntry(name: string, value: unknown, dataStart: number, refuse: Refuse): TensorEntry {
  const complain = (reason: string) => refuse(`tensor ${quote(name)} ${reason}`);
  if (!isObject(value)) throw complain("is not described by an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isTensorDtype(dtype)) throw complain(`has the unknown dtype ${quote(dtype)}`);
  if (!Array.isArray(shape) || shape.length > maxRank || !shape.every(isCount))
    throw complain(`has the shape ${quote(shape)}, not a list of at most ${maxRank} counts`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw complain(`has data_offsets ${quote(offsets)}, not two byte positions`);

  const [begin, end] = offsets as [number, number];
  const byteLength = sizeInBytes(shape, dtype);
  if (byteLength === undefined) throw complain(`has the shape ${quote(shape)}, too large to be counted`);
  if (end - begin !== byteLength)
    throw complain(`needs ${byteLength} bytes for ${dtype} ${quote(shape)} but spans ${begin} to ${end}`);
  return { name, dtype, shape: [...shape], byteOffset: dataStart + begin, byteLength };
}

/** `undefined` if the product is not a safe integer. */
function sizeInBytes(shape: readonly number[], dtype: TensorDtype): number | undefined {
  let size: number = bytesPerElement[dtype];
  for (const extent of shape) {
    size *= extent;
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}

/** The tensors, ordered by offset, must cover the data part exactly. */
function checkLayout(
  tensors: ReadonlyMap<string, TensorEntry>,
  dataStart: number,
  fileSize: number,
  refuse: Refuse,
) {
  const inOrder = [...tensors.values()].sort(
    (a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength,
  );
  let end = dataStart;
  for (const { name, byteOffset, byteLength } of inOrder) {
    if (byteOffset + byteLength > fileSize)
      throw refuse(
        `tensor ${quote(name)} ends at byte ${byteOffset + byteLength}, beyond the file's ${fileSize} bytes`,
      );
    if (byteOffset < end) throw refuse(`tensor ${quote(name)} overlaps the one before it`);
    if (byteOffset > end)
      throw refuse(`${byteOffset - end} bytes before tensor ${quote(name)} belong to no tensor`);
    end = byteOffset + byteLength;
  }
  if (end !== fileSize) throw refuse(`its last ${fileSize - end} bytes belong to no tensor`);
}

function parseMetadata(header: JsonObject, refuse: Refuse): Readonly<Record<string, string>> {
  // No prototype, so that a key named __proto__ is an ordinary key.
  const metadata: Record<string, string> = Object.create(null);
  if (!Object.hasOwn(header, "__metadata__")) return metadata;
  const value = header.__metadata__;
  if (!isObject(value)) throw refuse("its __metadata__ is not an object");
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") throw refuse(`its __metadata__ has ${quote(key)}, which is not text`);
    metadata[key] = text;
  }
  return metadata;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** Untrusted text, quoted and shortened for an error message. */
function quote(value: unknown): string {
  const text =
    typeof value === "object" && value !== null ? printShallow(value) : (JSON.stringify(value) ?? "nothing");
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Shows only the first level, because untrusted nesting may be deeper than the stack allows. */
function printShallow(value: object): string {
  if (!Array.isArray(value)) return "an object";
  const items = value.slice(0, 20).map((item) => (typeof item === "object" ? "…" : JSON.stringify(item)));
  return `[${items.join(",")}${value.length > 20 ? ",…" : ""}]`;
}
