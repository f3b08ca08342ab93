import { VisibleError } from "../errors.ts";
import { keysValuesWidth } from "../networks/text-attention.ts";
import { openSafetensors, readTensor, writeSafetensors } from "../weights/safetensors-file.ts";
import { type Instruction, type InstructionSpace, instructionInfoSchema } from "./instruction.ts";
import { layoutOf, rowsName, rowsOf, tensorsOf } from "./instruction-tensors.ts";

export type { Instruction, InstructionInfo } from "./instruction.ts";

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

/** Writes `.visii`: a safetensors file, written aside and renamed, so that there is never half of one. */
export async function writeInstruction(path: string, instruction: Instruction): Promise<void> {
  await writeSafetensors(path, tensorsOf(instruction), { [infoKey]: JSON.stringify(instruction.info) });
}

/** @throws VisibleError `invalid_instruction` if the file is no `.visii`, or one that this version cannot read */
export async function readInstruction(path: string): Promise<Instruction> {
  const refuse = (why: string, cause?: unknown) =>
    new VisibleError("invalid_instruction", `${path} is not an instruction this version can use: ${why}.`, {
      cause,
    });
  const file = await openSafetensors(path).catch((cause: unknown) => {
    if (!(cause instanceof VisibleError) || cause.code === "weights_not_found")
      throw new VisibleError(
        "instruction_not_found",
        `There is no instruction file ${path}; make one with: visii learn --pair BEFORE AFTER --out ${path}`,
        { cause },
      );
    throw refuse("it is no sound .visii file", cause);
  });
  const json = file.metadata[infoKey];
  if (json === undefined) throw refuse("it holds no learned tokens (another kind of safetensors file)");
  const parsed = instructionInfoSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(
      `its metadata is of no format version known here (${issue?.path.join(".")}: ${issue?.message})`,
    );
  }
  const info = parsed.data;
  const elements = [...file.tensors.values()].reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  if (elements > maximumElements[info.space])
    throw refuse(`its tensors hold ${elements} numbers, more than any instruction`);

  const numbers = async (name: string) => {
    const values = await readTensor(file, name);
    if (!values.every(Number.isFinite)) throw refuse("its tokens are not all finite numbers");
    const beyond = values.find((value) => Math.abs(value) > largestMagnitude);
    if (beyond !== undefined)
      throw refuse(`it holds the token value ${beyond}; the largest magnitude is ${largestMagnitude}`);
    return values;
  };
  if (info.space === "text") {
    const shape = file.tensors.get(rowsName)?.shape;
    const [tokenCount, dimension] = shape ?? [];
    if (shape?.length !== 2 || !tokenCount || !dimension)
      throw refuse(`its tokens have shape [${shape ?? "none"}]`);
    return { tokens: await numbers(rowsName), tokenCount, dimension, info };
  }
  const layout = layoutOf(file.tensors);
  if (typeof layout === "string") throw refuse(layout);
  const tensors = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) tensors.set(name, await numbers(name));
  const dimension = keysValuesWidth(layout.attentions);
  return { tokens: rowsOf(layout, dimension, tensors), dimension, ...layout, info };
}

const elementsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
