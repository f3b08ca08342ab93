import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireSameModel } from "../../engine/instruction/embed-instruction.ts";
import type { Instruction } from "../../engine/instruction/instruction.ts";
import { readInstruction, writeInstruction } from "../../engine/instruction/instruction-file.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { RetryableError, VisibleError } from "../../shared/errors.ts";
import type { ImportTask, LearnedInstruction, TaskDone } from "./protocol.ts";

/** @throws VisibleError `invalid_instruction` */
export function decodeInstruction(bytes: Uint8Array): Promise<Instruction> {
  return withFile(async (path) => {
    await writeFile(path, bytes);
    try {
      return await readInstruction(path);
    } catch (cause) {
      if (!(cause instanceof VisibleError)) throw cause;
      // The path is ours and says nothing to the caller.
      throw new VisibleError(cause.code, cause.message.replaceAll(path, "The file"), { cause });
    }
  });
}

export function encodeInstruction(instruction: Instruction): Promise<Uint8Array> {
  return withFile(async (path) => {
    await writeInstruction(path, instruction);
    return readFile(path);
  });
}

export async function describeInstruction(
  instruction: Instruction,
  warnings: readonly string[] = [],
): Promise<LearnedInstruction> {
  const { init, start, hyperParameters, losses } = instruction.info;
  return {
    file: await encodeInstruction(instruction),
    ...(start === "pair" ? {} : { init }),
    steps: hyperParameters.steps,
    warnings,
    curve: (losses?.curve ?? []).map(({ step, loss, validation }) => ({
      ...{ step, loss },
      ...(validation === undefined ? {} : { validation }),
    })),
  };
}

/** Reads a stranger's file, refuses another model's, and writes it anew, so that only what we understood is kept. */
export async function importTask(pipeline: Pipeline, { file }: ImportTask): Promise<TaskDone> {
  const instruction = await decodeInstruction(file);
  requireSameModel(pipeline, instruction);
  return { instruction: await describeInstruction(instruction), steps: 0 };
}

/** Codes of a scratch folder that is full, over its quota, gone, or read-only. */
const scratchCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG", "ENOENT", "ENOTDIR", "EROFS", "EACCES"]);

/** @throws RetryableError when this machine's scratch folder cannot be used; another machine's may be fine */
async function withFile<Result>(use: (path: string) => Promise<Result>): Promise<Result> {
  try {
    const folder = await mkdtemp(join(tmpdir(), "visii-"));
    try {
      return await use(join(folder, "instruction.visii"));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && scratchCodes.has(String(cause.code)))
      throw new RetryableError("the worker's scratch folder is full or cannot be used", { cause });
    throw cause;
  }
}
