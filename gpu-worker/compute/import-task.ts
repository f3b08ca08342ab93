import { requireSameModel } from "../../engine/instruction/embed-instruction.ts";
import type { Instruction } from "../../engine/instruction/instruction.ts";
import { decodeInstruction, encodeInstruction } from "../../engine/instruction/instruction-file.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { defined } from "../../shared/defined.ts";
import type { ImportTask, LearnedInstruction, TaskDone } from "./protocol.ts";

/**
 * Reads an untrusted file and re-encodes it, so that only known data is stored. Rejects a file of another
 * model.
 */
export async function importTask(pipeline: Pipeline, { file }: ImportTask): Promise<TaskDone> {
  const instruction = decodeInstruction(file);
  requireSameModel(pipeline, instruction);
  return { instruction: describeInstruction(instruction), steps: 0 };
}

export function describeInstruction(
  instruction: Instruction,
  warnings: readonly string[] = [],
): LearnedInstruction {
  const { init, start, hyperParameters, losses } = instruction.info;
  return {
    file: encodeInstruction(instruction),
    ...(start === "pair" ? {} : { init }),
    textGuidance: hyperParameters.textGuidance,
    steps: hyperParameters.steps,
    warnings,
    curve: (losses?.curve ?? []).map(({ step, loss, validation }) => ({
      step,
      loss,
      ...defined({ validation }),
    })),
  };
}
