import type { EvaluationPlan, Report } from "visii-engine/evaluation";
import { defined } from "../shared/defined.ts";
import type { Context } from "./context.ts";
import type { InstructionSpace, Pipeline } from "./engine.ts";
import { startOf } from "./learning-start.ts";
import type { ModelOptions } from "./model-options.ts";

export interface EvalOptions extends ModelOptions {
  readonly method?: string;
  readonly seeds: number;
  readonly out?: string;
  readonly init?: string;
  readonly space?: InstructionSpace;
  readonly learningSteps?: number;
  readonly samplingSteps?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly noise?: "fixed" | "fresh";
  readonly threads?: number;
  readonly markdown?: boolean;
  readonly json?: boolean;
}

interface SetPlan extends Pick<EvaluationPlan, "cases" | "methods" | "out"> {
  /** Name of the set. */
  readonly set: string;
}

interface SetOutcome {
  readonly report: Report;
  readonly page: string;
  readonly results: string;
  /** Number of results reused from an earlier run. */
  readonly reused: number;
}

/** Runs `evaluate` with a progress bar and writes its report, even after an interruption. */
export async function evaluateSet(
  { progress, signal }: Context,
  pipeline: Pipeline,
  { set, cases, methods, out }: SetPlan,
  options: EvalOptions,
): Promise<SetOutcome> {
  const { describeSettings, evaluate, makeReport, nameClip, writeReport } = await import(
    "visii-engine/evaluation"
  );
  const settings = settingsOf(options);
  const seeds = Array.from({ length: options.seeds }, (_, seed) => seed);
  const { reused, ...outcome } = await evaluate(
    pipeline,
    { cases, methods, seeds, settings, out },
    {
      signal,
      onEvent: ({ work, doing, place, ...facts }) =>
        progress.update({ stage: `[${place.index + 1}/${place.count}] ${work}: ${doing}`, ...facts }),
    },
  );
  progress.clear();
  const report = makeReport(
    {
      set,
      model: { id: pipeline.modelId, weightHash: pipeline.weightHash },
      clip: (await nameClip(pipeline)) ?? null,
      settings: describeSettings(pipeline, settings),
      seeds,
      cases,
      methods,
    },
    outcome,
  );
  return { report, reused, ...(await writeReport(out, report, cases)) };
}

function settingsOf(options: EvalOptions): EvaluationPlan["settings"] {
  const { init, space, learningSteps, samplingSteps, textGuidance, imageGuidance, noise } = options;
  return {
    learning: {
      ...startOf(init),
      ...defined({ space, steps: learningSteps }),
    },
    editing: {
      ...defined({ steps: samplingSteps, textGuidance, imageGuidance, noise }),
    },
  };
}
