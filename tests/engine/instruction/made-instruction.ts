import {
  formatVersionOf,
  type Instruction,
  type InstructionSpace,
} from "../../../engine/instruction/instruction.ts";
import { openRows } from "../../../engine/inversion/instruction-space.ts";
import type { Pipeline } from "../../../engine/pipeline/pipeline.ts";

/** An instruction without learning: its init's rows, with `change` added to each number. */
export async function makeInstruction(
  pipeline: Pipeline,
  init: string,
  { change = 0.3, seed = 7, space = "text" as InstructionSpace } = {},
): Promise<Instruction> {
  const { initial, tokens: tokenCount, dimension, attentions } = await openRows(pipeline, { init, space });
  return {
    tokens: initial.map((x) => x + change),
    tokenCount,
    dimension,
    ...(attentions ? { attentions } : {}),
    info: {
      formatVersion: formatVersionOf[space],
      space,
      modelId: pipeline.modelId,
      weightHash: pipeline.weightHash,
      seed,
      init,
      hyperParameters: {
        steps: 1,
        learningRate: 0.1,
        batchSize: 1,
        textGuidance: 1,
        imageGuidance: 1,
        loop: "fast",
        pairs: 1,
        width: 64,
        height: 32,
      },
      losses: {
        first: 1,
        last: 1,
        validation: 1,
        initialValidation: 1,
        bestStep: 0,
        curve: [{ step: 1, loss: 1 }],
      },
      counts: { unetForwards: 1, unetBackwards: 1 },
    },
  };
}
