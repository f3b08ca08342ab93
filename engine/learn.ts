import { defined } from "../shared/defined.ts";
import { type CaptionKind, captionPair } from "./captioning/caption-pair.ts";
import type { ModelSize } from "./images/fit-to-model.ts";
import type { Instruction } from "./instruction/instruction.ts";
import { type InversionHooks, invert } from "./inversion/invert.ts";
import { learningWarnings } from "./inversion/learning-warnings.ts";
import type { InversionEvent } from "./inversion/progress.ts";
import { type InversionOptions, resolveSettings } from "./inversion/settings.ts";
import { fitPairs, type ImagePair } from "./pairs/fit-pairs.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

/** What is absent is the model's recommendation. */
export interface LearnOptions extends InversionOptions {
  /** Size that the pairs are brought to. */
  readonly size?: ModelSize;
  /** Start from a caption of the first pair, found in this way, and not from `init`. */
  readonly caption?: CaptionKind;
  /** For the caption `phrase`: the phrases to choose from. */
  readonly phrases?: readonly string[];
}

export interface LearnEvent extends Omit<InversionEvent, "stage"> {
  readonly stage: "find_caption" | InversionEvent["stage"];
  /** The caption, once it is found. */
  readonly caption?: string;
}

export interface LearnHooks
  extends Pick<InversionHooks, "signal" | "resume" | "onCheckpoint" | "keepEvery" | "onKept"> {
  /** A promise is awaited before the next step. A preview is as large as the first before image. */
  onEvent?(event: LearnEvent): void | Promise<void>;
  /** Told before any work at what size learning happens, with sentences on what was done to the pairs for it. */
  onFitted?(fitted: {
    readonly width: number;
    readonly height: number;
    readonly notices: readonly string[];
  }): void | Promise<void>;
  /** Previews in the whole run, about; none when absent. */
  readonly previews?: number;
  /** Seconds between two checkpoints; 15 when absent. There is one more when `signal` aborts. */
  readonly saveEvery?: number;
}

export interface Learned {
  readonly instruction: Instruction;
  /** Sentences for the user: that little or nothing was learned, and what to do. */
  readonly warnings: readonly string[];
}

/**
 * Learns the edit that pairs show. The same seed gives the same instruction, bit for bit on a CPU, also after an interruption.
 *
 * @param pairs as readPairs gives them
 * @throws VisibleError for pairs and options that make no sense, or a state of another run; the signal's reason
 * @example
 * const { pairs } = await readPairs([{ before: "before.jpg", after: "after.jpg" }]);
 * const { instruction } = await learn(pipeline, pairs, { seed: 0, steps: 20 });
 * await writeInstruction("edit.visii", instruction);
 */
export async function learn(
  pipeline: Pipeline,
  pairs: readonly [ImagePair, ...ImagePair[]],
  { size = pipeline.imageSize, caption, phrases, ...options }: LearnOptions,
  hooks: LearnHooks = {},
): Promise<Learned> {
  const { signal, resume, previews, keepEvery, onKept, saveEvery = 15 } = hooks;
  const fitted = fitPairs(pairs, size);
  const { width, height } = fitted.pairs[0].before;
  await hooks.onFitted?.({ width, height, notices: fitted.notices });

  // The same words for the same seed, so that a resumed run starts from the same ones.
  const found =
    caption &&
    (await findCaption(pipeline, fitted.pairs[0], caption, { seed: options.seed, phrases }, hooks));
  const chosen = { ...options, ...defined({ init: found ?? options.init }) };
  const { steps } = resolveSettings(pipeline, chosen);
  const now = () => performance.now() / 1000;
  let savedAt = now();
  const instruction = await invert(pipeline, fitted.pairs, chosen, {
    ...defined({ signal, resume, keepEvery, onKept }),
    ...(previews ? { previewEvery: Math.max(1, Math.round(steps / previews)) } : {}),
    // Every step offers a state, which is small beside a step's work; few are saved.
    checkpointEvery: 1,
    async onCheckpoint(state) {
      if (!signal?.aborted && now() - savedAt < saveEvery) return;
      await hooks.onCheckpoint?.(state);
      savedAt = now();
    },
    onEvent: ({ preview, ...event }) =>
      hooks.onEvent?.(preview ? { ...event, preview: fitted.restoreFirst(preview) } : event),
  });
  return { instruction, warnings: learningWarnings(instruction.info) };
}

async function findCaption(
  pipeline: Pipeline,
  pair: ImagePair,
  kind: CaptionKind,
  { seed, phrases }: { readonly seed: number; readonly phrases: readonly string[] | undefined },
  hooks: LearnHooks,
): Promise<string> {
  const stage = "find_caption";
  let last = { step: 0, steps: 0 };
  const { text } = await captionPair(
    pipeline,
    pair,
    kind,
    { seed, ...defined({ phrases }) },
    {
      ...defined({ signal: hooks.signal }),
      onEvent({ step, steps }) {
        last = { step, steps };
        void hooks.onEvent?.({ stage, ...last });
      },
    },
  );
  await hooks.onEvent?.({ stage, ...last, caption: text });
  return text;
}
