import { VisibleError } from "../../shared/errors.ts";
import { openSafetensors, readTensor, writeSafetensors } from "../weights/safetensors-file.ts";
import { type Instruction, instructionInfoSchema } from "./instruction.ts";

export type { Instruction, InstructionInfo } from "./instruction.ts";

/** The one tensor of a `.visii` file, float32 [n, d], and the metadata key that holds the rest as JSON. */
const tokensName = "instruction";
const infoKey = "visii";

/** An instruction of this many tokens or more is no instruction; guards memory against a hostile file. */
const maximumElements = 77 * 8192;

/** Writes `.visii`: a safetensors file, written aside and renamed, so that there is never half of one. */
export async function writeInstruction(path: string, instruction: Instruction): Promise<void> {
  const { tokens, tokenCount, dimension, info } = instruction;
  await writeSafetensors(
    path,
    { [tokensName]: { shape: [tokenCount, dimension], data: tokens } },
    { [infoKey]: JSON.stringify(info) },
  );
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
  const entry = file.tensors.get(tokensName);
  const json = file.metadata[infoKey];
  if (!entry || json === undefined)
    throw refuse("it holds no learned tokens (another kind of safetensors file)");
  const [tokenCount, dimension] = entry.shape;
  if (entry.shape.length !== 2 || !tokenCount || !dimension || tokenCount * dimension > maximumElements)
    throw refuse(`its tokens have shape [${entry.shape}]`);
  const parsed = instructionInfoSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`its metadata is not of format version 1 (${issue?.path.join(".")}: ${issue?.message})`);
  }
  const tokens = await readTensor(file, tokensName);
  if (!tokens.every(Number.isFinite)) throw refuse("its tokens are not all finite numbers");
  return { tokens, tokenCount, dimension, info: parsed.data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
