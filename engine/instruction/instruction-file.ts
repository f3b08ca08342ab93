import { readFile } from "node:fs/promises";
import { parseJson } from "../../shared/json.ts";
import { VisibleError } from "../errors.ts";
import { writeAside } from "../files/write-aside.ts";
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

/** The metadata key that holds all but the rows, as JSON. */
const infoKey = "visii";

/** More numbers than these are no instruction; guards memory against a hostile file. */
const maximumElements: Readonly<Record<InstructionSpace, number>> = {
  text: 77 * 8192,
  kv: 77 * 2 ** 18,
};

/**
 * Tokens beyond this are no instruction: learned ones stay within some tens, and half precision overflows at 65,504. Guards the
 * model against a file that turns every image into NaN.
 */
const largestMagnitude = 10_000;

/**
 * Writes `.visii`, whole or not at all.
 *
 * @throws VisibleError `not_writable`
 * @example
 * const instruction = await readInstruction("edit.visii");
 * await writeInstruction("copy.visii", instruction);
 */
export async function writeInstruction(path: string, instruction: Instruction): Promise<void> {
  await writeAside(path, encodeInstruction(instruction));
}

/**
 * The bytes of a `.visii` file, which is a safetensors file. They depend on the instruction alone.
 *
 * @example
 * const bytes = encodeInstruction(await readInstruction("edit.visii"));
 */
export function encodeInstruction(instruction: Instruction): Uint8Array {
  return encodeSafetensors(tensorsOf(instruction), { [infoKey]: JSON.stringify(instruction.info) });
}

/**
 * @throws VisibleError `instruction_not_found`, or `invalid_instruction` if the file is no `.visii`, or one that this version
 *   cannot read
 * @example
 * const instruction = await readInstruction("edit.visii");
 * console.log(instruction.tokenCount, instruction.info.seed);
 */
export async function readInstruction(path: string): Promise<Instruction> {
  const header = await openSafetensors(path).catch((cause: unknown) => {
    if (!(cause instanceof VisibleError) || cause.code === "weights_not_found")
      throw new VisibleError(
        "instruction_not_found",
        `There is no instruction file ${path}; make one with: visii learn --pair BEFORE AFTER --out ${path}`,
        { cause },
      );
    throw refusal(path, notSound, cause);
  });
  // Before the whole file is read: it may be a checkpoint of many gigabytes.
  infoOf(header, path);
  return decodeInstruction(await readFile(path), path);
}

/**
 * An instruction from the bytes of its file.
 *
 * @param subject what the bytes are called in messages
 * @throws VisibleError `invalid_instruction` if they are no `.visii` file, or one that this version cannot read
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

const notSound = "it is no sound .visii file";

function refusal(subject: string, why: string, cause?: unknown): VisibleError {
  const message = `${subject} is not an instruction this version can use: ${why}.`;
  return new VisibleError("invalid_instruction", message, { cause });
}

function headerOf(bytes: Uint8Array, subject: string): SafetensorsHeader {
  try {
    return decodeHeader(bytes, subject);
  } catch (cause) {
    throw refusal(subject, notSound, cause);
  }
}

/** What a file's header says of its instruction; that its tensors are not too many is checked as well. */
function infoOf({ metadata, tensors }: SafetensorsHeader, subject: string): InstructionInfo {
  const json = metadata[infoKey];
  if (json === undefined)
    throw refusal(subject, "it holds no learned tokens (another kind of safetensors file)");
  const parsed = instructionInfoSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal(
      subject,
      `its metadata is of no format version known here (${issue?.path.join(".")}: ${issue?.message})`,
    );
  }
  const elements = [...tensors.values()].reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  if (elements > maximumElements[parsed.data.space])
    throw refusal(subject, `its tensors hold ${elements} numbers, more than any instruction`);
  return parsed.data;
}

/** `values`, if they can be those of an instruction. */
function requireModest(values: Float32Array, subject: string): Float32Array {
  if (!values.every(Number.isFinite)) throw refusal(subject, "its tokens are not all finite numbers");
  const beyond = values.find((value) => Math.abs(value) > largestMagnitude);
  if (beyond !== undefined)
    throw refusal(
      subject,
      `it holds the token value ${beyond}; the largest magnitude is ${largestMagnitude}`,
    );
  return values;
}

const elementsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
