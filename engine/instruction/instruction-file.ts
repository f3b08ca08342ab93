import { readFile } from "node:fs/promises";
import { parseJson } from "../../shared/json.ts";
import { VisibleError } from "../errors.ts";
import { writeAtomically } from "../files/write-atomically.ts";
import { keysValuesWidth } from "../networks/text-attention.ts";
import { decodeHeader, decodeTensor } from "../weights/decode-safetensors.ts";
import { encodeSafetensors, openSafetensors } from "../weights/safetensors-file.ts";
import type { SafetensorsHeader } from "../weights/safetensors-header.ts";
import {
  type Instruction,
  type InstructionInfo,
  type InstructionSpace,
  instructionInfoSchema,
} from "./instruction.ts";
import { layoutOf, rowsName, rowsOf, tensorsOf } from "./instruction-tensors.ts";

/** Metadata key of the JSON with everything except the rows. */
const infoKey = "visii";

/** Maximum number of elements; limits the memory that a malicious file can use. */
const maxElements: Readonly<Record<InstructionSpace, number>> = {
  text: 77 * 8192,
  kv: 77 * 2 ** 18,
};

/**
 * Maximum magnitude of a token value. Learned values stay below about 100, and half precision overflows at
 * 65,504. Rejects files that turn every image into NaN.
 */
const largestMagnitude = 10_000;

/**
 * Writes a `.visii` file atomically.
 *
 * @throws VisibleError `not_writable`
 * @example
 * const instruction = await readInstruction("edit.visii");
 * await writeInstruction("copy.visii", instruction);
 */
export async function writeInstruction(path: string, instruction: Instruction): Promise<void> {
  await writeAtomically(path, encodeInstruction(instruction));
}

/**
 * Encodes an instruction as a `.visii` file, which is a safetensors file. The bytes depend only on the
 * instruction.
 *
 * @example
 * const bytes = encodeInstruction(await readInstruction("edit.visii"));
 */
export function encodeInstruction(instruction: Instruction): Uint8Array {
  return encodeSafetensors(tensorsOf(instruction), { [infoKey]: JSON.stringify(instruction.info) });
}

/**
 * Reads a `.visii` file.
 *
 * @throws VisibleError `instruction_not_found`, or `invalid_instruction` if the file is not a `.visii` file
 * or has an
 *   unsupported version
 * @example
 * const instruction = await readInstruction("edit.visii");
 * console.log(instruction.tokenCount, instruction.info.seed);
 */
export async function readInstruction(path: string): Promise<Instruction> {
  const header = await openSafetensors(path).catch((cause: unknown) => {
    if (!(cause instanceof VisibleError) || cause.code === "weights_not_found")
      throw new VisibleError(
        "instruction_not_found",
        `Instruction file ${path} does not exist; create it with visii learn --pair BEFORE AFTER --out ${path}`,
        { cause },
      );
    throw refusal(path, notSound, cause);
  });
  // Check the header before reading the rest, which may be a checkpoint of many gigabytes.
  infoOf(header, path);
  return decodeInstruction(await readFile(path), path);
}

/**
 * Decodes an instruction from the bytes of a `.visii` file.
 *
 * @param subject name of the bytes in messages
 * @throws VisibleError `invalid_instruction` if the bytes are not a `.visii` file or have an unsupported
 * version
 * @example
 * const bytes = encodeInstruction(await readInstruction("edit.visii"));
 * const instruction = decodeInstruction(bytes);
 */
export function decodeInstruction(bytes: Uint8Array, subject = "The file"): Instruction {
  const header = headerOf(bytes, subject);
  const info = infoOf(header, subject);
  const numbers = (name: string) => requireModest(decodeTensor(bytes, header, name, subject), subject);
  if (info.space === "text") {
    const shape = header.tensors.get(rowsName)?.shape;
    const [tokenCount, dimension] = shape ?? [];
    if (shape?.length !== 2 || !tokenCount || !dimension)
      throw refusal(subject, `its tokens have shape [${shape ?? "none"}]`);
    return { tokens: numbers(rowsName), tokenCount, dimension, info };
  }
  const layout = layoutOf(header.tensors);
  if (typeof layout === "string") throw refusal(subject, layout);
  const tensors = new Map([...header.tensors.keys()].map((name) => [name, numbers(name)]));
  const dimension = keysValuesWidth(layout.attentions);
  return { tokens: rowsOf(layout, dimension, tensors), dimension, ...layout, info };
}

const notSound = "it is not a valid .visii file";

function refusal(subject: string, why: string, cause?: unknown): VisibleError {
  const message = `${subject} is not an instruction that this version can read: ${why}.`;
  return new VisibleError("invalid_instruction", message, { cause });
}

function headerOf(bytes: Uint8Array, subject: string): SafetensorsHeader {
  try {
    return decodeHeader(bytes, subject);
  } catch (cause) {
    throw refusal(subject, notSound, cause);
  }
}

/** Parses the instruction's metadata from a file's header and checks the size of its tensors. */
function infoOf({ metadata, tensors }: SafetensorsHeader, subject: string): InstructionInfo {
  const json = metadata[infoKey];
  if (json === undefined)
    throw refusal(subject, "it contains no learned tokens (it is another kind of safetensors file)");
  const parsed = instructionInfoSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal(
      subject,
      `its metadata has an unknown format version (${issue?.path.join(".")}: ${issue?.message})`,
    );
  }
  const elements = [...tensors.values()].reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  if (elements > maxElements[parsed.data.space])
    throw refusal(subject, `its tensors contain ${elements} numbers, more than the maximum`);
  return parsed.data;
}

/** Returns `values` if all are finite and within the allowed magnitude. */
function requireModest(values: Float32Array, subject: string): Float32Array {
  if (!values.every(Number.isFinite)) throw refusal(subject, "its tokens are not all finite numbers");
  const beyond = values.find((value) => Math.abs(value) > largestMagnitude);
  if (beyond !== undefined)
    throw refusal(
      subject,
      `it contains the token value ${beyond}; the maximum magnitude is ${largestMagnitude}`,
    );
  return values;
}

const elementsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
