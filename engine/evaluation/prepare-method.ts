import { applyFit, fitEdit } from "../baselines/fit-edit.ts";
import { edit } from "../edit.ts";
import type { EditHooks, EditOptions } from "../editing/edit.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import type { Prompt } from "../instruction/embed-instruction.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { chooseText } from "./choose-text.ts";
import type { OpenCase, OpenTest } from "./evaluation-case.ts";
import type { Cost } from "./finished-work.ts";
import type { LearnedFromCase } from "./learn-from-case.ts";
import type { Method } from "./method.ts";

/** A method after preparation on the case's pairs. */
interface PreparedMethod {
  /** The selected text. */
  readonly text?: string;
  /** Cost of learning the instruction, possibly in an earlier run. */
  readonly learning?: Cost["once"];
  /** Edits a photo at its own size. */
  apply(test: OpenTest, hooks: EditHooks): Promise<RgbImage>;
}

interface Preparation {
  readonly pipeline: Pipeline;
  readonly openCase: OpenCase;
  readonly editing: EditOptions;
  /** Learns from the case's first pairs. */
  learn(pairs: number): Promise<LearnedFromCase>;
  readonly hooks: EditHooks;
}

/** Requires a case that has the method's inputs (`whatIsMissing`). */
export async function prepareMethod(method: Method, preparation: Preparation): Promise<PreparedMethod> {
  const { pipeline, openCase, editing, learn, hooks } = preparation;
  const { texts, words } = openCase.description;
  switch (method.kind) {
    case "unedited":
      return { apply: async ({ photo }) => photo };
    case "fit": {
      const fit = fitEdit([openCase.pairs[0]], method.features);
      return { apply: async ({ photo }) => applyFit(fit, photo) };
    }
    case "text": {
      const text = await chooseText(pipeline, openCase, texts!, editing, hooks);
      return { text, ...prompted(preparation, { text }) };
    }
    case "pair":
    case "learned": {
      const { instruction, cost } = await learn(method.pairs);
      return { learning: cost, ...prompted(preparation, { instruction }) };
    }
    case "hybrid": {
      const { instruction, cost } = await learn(1);
      return { learning: cost, ...prompted(preparation, { instruction, text: words! }) };
    }
  }
}

function prompted({ pipeline, editing }: Preparation, prompt: Prompt): PreparedMethod {
  return {
    apply: async ({ photo }, hooks) => (await edit(pipeline, photo, prompt, editing, hooks)).image,
  };
}
