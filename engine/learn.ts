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

/** Absent options use the model's defaults. */
export interface LearnOptions extends InversionOptions {
  /** Size to which the pairs are resized. */
  readonly size?: ModelSize;
  /** Start from a caption of the first pair, found by this method, instead of `init`. */
  readonly caption?: CaptionKind;
  /** For the caption method `phrase`: the phrases to choose from. */
  readonly phrases?: readonly string[];
}

export interface LearnEvent extends Omit<InversionEvent, "stage"> {
  readonly stage: "find_caption" | InversionEvent["stage"];
  /** The caption, when it has been found. */
  readonly caption?: string;
}

export interface LearnHooks
  extends Pick<InversionHooks, "signal" | "resume" | "onCheckpoint" | "keepEvery" | "onKept"> {
  /** A promise is awaited before the next step. A preview has the size of the first before image. */
  onEvent?(event: LearnEvent): void | Promise<void>;
  /**
   * Called before any work with the size at which learning runs, and with messages about changes to the
   * pairs.
   */
  onFitted?(fitted: {
    readonly width: number;
    readonly height: number;
    readonly notices: readonly string[];
  }): void | Promise<void>;
  /** Approximate number of previews in the whole run; none when absent. */
  readonly previews?: number;
  /** Seconds between two checkpoints; 15 when absent. Another one is made when `signal` aborts. */
  readonly saveEvery?: number;
}

export interface Learned {
  readonly instruction: Instruction;
  /** Warnings for the user: that little or nothing was learned, and what to do. */
  readonly warnings: readonly string[];
}

/**
 * Learns the edit that pairs show. On a CPU the same seed gives the same bits, also after an interruption.
 *
 * @param pairs from readPairs
 * @throws VisibleError for invalid pairs or options, or a state of another run; the signal's reason if it
 * aborts
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

  // The caption is deterministic, so a resumed run starts from the same words.
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
    // Every step offers a state, which is cheap to make; only some are saved.
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
