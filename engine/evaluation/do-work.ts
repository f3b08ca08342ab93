import { join } from "node:path";
import { defined } from "../../shared/defined.ts";
import { ensureWritableFolder } from "../files/write-atomically.ts";
import { writeImage } from "../images/write-image.ts";
import type { LearnEvent } from "../learn.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { OpenCase } from "./evaluation-case.ts";
import type { Cost, Finished } from "./finished-work.ts";
import { learnFromCase } from "./learn-from-case.ts";
import type { CaseMeasure } from "./measure.ts";
import { isSeeded, type Method, methodName } from "./method.ts";
import { prepareMethod } from "./prepare-method.ts";
import { type EvaluationSettings, learningOptions, type ResultKeys } from "./result-keys.ts";

const doingOf = {
  find_caption: "finding a caption",
  prepare: "reading the pairs",
  prepare_samples: "preparing samples",
  learn: "learning",
} as const satisfies Readonly<Record<LearnEvent["stage"], string>>;

type StepFacts = Pick<LearnEvent, "step" | "steps" | "etaSeconds">;

export interface EvaluationEvent {
  /** Case, method and seed. */
  readonly work: string;
  readonly doing: (typeof doingOf)[LearnEvent["stage"]] | "choosing the text" | "editing";
  /** Completed steps, out of `steps`. */
  readonly step: number;
  readonly steps: number;
  readonly etaSeconds?: number;
  /** Index of this work item and the total count. */
  readonly place: { readonly index: number; readonly count: number };
}

export interface EvaluationHooks {
  /** Checked between steps. Finished results are returned, with `complete` false. */
  readonly signal?: AbortSignal;
  onEvent?(event: EvaluationEvent): void;
}

/** One work item: a method on a case with a seed. */
interface Work {
  readonly opened: OpenCase;
  readonly measure: CaseMeasure;
  readonly method: Method;
  readonly seed: number;
  /** Key of its results. */
  readonly key: string;
  readonly keys: ResultKeys;
  readonly place: EvaluationEvent["place"];
}

/** Prepares the method on the case's pairs, edits the photos, and writes and measures the results. */
export async function doWork(
  pipeline: Pipeline,
  { settings, out }: { readonly settings: EvaluationSettings; readonly out: string },
  { signal, onEvent }: EvaluationHooks,
  { opened, measure, method, seed, key, keys, place }: Work,
): Promise<Finished> {
  const name = methodName(method);
  const title = `${opened.name}, ${name}${isSeeded(method) ? `, seed ${seed}` : ""}`;
  const emit = (doing: EvaluationEvent["doing"], { step, steps, etaSeconds }: StepFacts) =>
    onEvent?.({
      work: title,
      doing,
      step,
      steps,
      place,
      ...defined({ etaSeconds }),
    });
  const stop = signal ? { signal } : {};

  const meter = new Meter(pipeline);
  const { apply, text, learning } = await prepareMethod(method, {
    pipeline,
    openCase: opened,
    editing: { ...settings.editing, seed },
    hooks: { ...stop, onEvent: (event) => emit("choosing the text", event) },
    learn: (pairs) => {
      const options = learningOptions(settings, method, seed);
      return learnFromCase(
        pipeline,
        opened,
        { pairs, options, folder: join(out, "instructions"), key: keys.learning(opened, pairs, options) },
        { ...stop, onEvent: ({ stage, ...facts }) => emit(doingOf[stage], facts) },
      );
    },
  });
  const once = learning ?? meter.read();
  const folder = ["pictures", opened.name, `${name}-seed-${seed}-${key.slice(0, 8)}`];
  await ensureWritableFolder(join(out, ...folder));
  const aimsAtTruth = method.kind !== "hybrid";
  const tests: Finished["tests"] = [];
  const photos = { evaluations: 0, seconds: 0 };
  for (const [index, test] of opened.tests.entries()) {
    meter.reset();
    const result = await apply(test, {
      ...stop,
      onEvent: ({ step, steps }) =>
        emit("editing", { step: index * steps + step, steps: opened.tests.length * steps }),
    });
    const { evaluations, seconds } = meter.read();
    photos.evaluations += evaluations / opened.tests.length;
    photos.seconds += seconds / opened.tests.length;
    const picture = [...folder, `${test.name}.jpg`].join("/");
    await writeImage(join(out, picture), result);
    tests.push({ name: test.name, picture, scores: await measure.scores(test, result, { aimsAtTruth }) });
  }
  return {
    case: opened.name,
    method: name,
    seed,
    ...defined({ text }),
    cost: { once, photo: photos },
    tests,
  };
}

/** Counts UNet evaluations and seconds since construction or reset. */
class Meter {
  readonly #pipeline: Pipeline;
  #evaluations = 0;
  #started = 0;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    this.reset();
  }

  reset(): void {
    this.#evaluations = this.#pipeline.unetForwards;
    this.#started = performance.now();
  }

  read(): Cost["once"] {
    return {
      evaluations: this.#pipeline.unetForwards - this.#evaluations,
      seconds: (performance.now() - this.#started) / 1000,
    };
  }
}
