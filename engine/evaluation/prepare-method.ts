import type { EditHooks, EditOptions } from "../editing/edit.ts";
import { edit } from "../editing/edit.ts";
import { fitToModel } from "../images/fit-to-model.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import type { Prompt } from "../instruction/embed-instruction.ts";
import type { Instruction } from "../instruction/instruction.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { chooseText } from "./choose-text.ts";
import type { OpenCase, OpenTest } from "./evaluation-case.ts";
import type { Finished } from "./finished-work.ts";
import type { Method } from "./method.ts";

/** A method that has seen the case's pairs and is ready for its photos. */
export interface PreparedMethod {
  /** What was chosen or spent on the way. */
  readonly facts: Pick<Finished, "text" | "learning">;
  /** The edit of a photo, as large as the photo. */
  apply(test: OpenTest, hooks: EditHooks): Promise<RgbImage>;
}

export interface Preparation {
  readonly pipeline: Pipeline;
  readonly openCase: OpenCase;
  readonly editing: EditOptions;
  /** Learned from the case's first pairs. */
  learn(pairs: number): Promise<Instruction>;
  readonly hooks: EditHooks;
}

/** For a case that has what the method needs (`whatIsMissing`). */
export async function prepareMethod(method: Method, preparation: Preparation): Promise<PreparedMethod> {
  const { pipeline, openCase, editing, learn, hooks } = preparation;
  const { texts, words } = openCase.description;
  switch (method.kind) {
    case "unedited":
      return { facts: {}, apply: async ({ photo }) => photo };
    case "text": {
      const text = await chooseText(pipeline, openCase, texts!, editing, hooks);
      return prompted(preparation, { text }, { text });
    }
    case "learned": {
      const instruction = await learn(method.pairs);
      return prompted(preparation, { instruction }, { learning: instruction.info.counts });
    }
    case "hybrid": {
      const instruction = await learn(1);
      return prompted(preparation, { instruction, text: words! }, { learning: instruction.info.counts });
    }
  }
}

function prompted(
  { pipeline, editing }: Preparation,
  prompt: Prompt,
  facts: PreparedMethod["facts"],
): PreparedMethod {
  const size = { resolution: pipeline.defaults.resolution, multiple: pipeline.sizeMultiple };
  return {
    facts,
    apply: async ({ name, photo }, hooks) => {
      const fitted = fitToModel(photo, size, name);
      const [edited] = await edit(pipeline, [fitted.image], prompt, editing, hooks);
      return fitted.restore(edited!);
    },
  };
}
