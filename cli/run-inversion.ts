import { writeAside } from "visii-engine/internal/files/write-aside";
import { fitPairs, type ImagePair } from "visii-engine/internal/images/fit-pairs";
import type { RgbImage } from "visii-engine/internal/images/rgb-image";
import type { Context } from "./context.ts";
import {
  type CaptionKind,
  type Instruction,
  type InstructionSpace,
  loadCaptionPair,
  loadInvert,
  type Pipeline,
} from "./engine.ts";
import { Interrupted } from "./interrupted.ts";
import { requireHostMemory } from "./machine-memory.ts";
import { modelSize, type Size } from "./picture-size.ts";
import { showDuration } from "./progress-bar.ts";

export interface RunInversionOptions {
  readonly init?: string;
  /** Start from what the pair encoder writes; the model's choice when absent. */
  readonly start?: "pair";
  /** Start from a caption of the first pair instead, found in this way. */
  readonly caption?: CaptionKind;
  /** For the caption `phrase`: other phrases than the model's. */
  readonly phrases?: readonly string[];
  readonly space?: InstructionSpace;
  readonly steps?: number;
  readonly size?: Size;
  readonly seed: number;
  /** A saved state to go on from. */
  readonly resume?: Uint8Array;
  /** Where states are saved, every `saveEvery` seconds and on Ctrl-C. */
  readonly stateFile: string;
  /** Called about eight times in a run with an edit of the first before image, at that image's own size. */
  onPreview?(step: number, preview: RgbImage): Promise<void>;
}

/** Seconds from which the time to expect is said. */
const worthTelling = 60;

/** Seconds between two saved states. */
const saveEvery = 15;

const stageNames = {
  prepare: "reading the pair",
  "frozen branches": "preparing samples",
  learn: "learning <ins>",
} as const;

/**
 * `invert` with a progress bar, previews and saved states. Ctrl-C: Interrupted, whose message is the bare fact; a
 * state file is there if a step was made.
 */
export async function runInversion(
  context: Context,
  pipeline: Pipeline,
  pairs: readonly [ImagePair, ...ImagePair[]],
  options: RunInversionOptions,
): Promise<Instruction> {
  const { progress, signal } = context;
  const fitted = fitPairs(pairs, modelSize(pipeline, options.size));
  for (const notice of fitted.notices) progress.note(notice);
  const { width, height } = fitted.pairs[0]!.before;
  await requireHostMemory(pipeline, "learn", { width, height });
  const original = pairs[0].before;
  if (original.width !== width || original.height !== height)
    progress.note(`Learning at ${width}×${height} (the pair is ${original.width}×${original.height}).`);

  const steps = options.steps ?? pipeline.defaults.inversion.steps;
  let savedAt = performance.now();
  let reached = 0;
  let told = false;
  const previews: Promise<void>[] = [];
  const invert = await loadInvert();
  try {
    const init = (await captionOf(context, pipeline, fitted.pairs[0]!, options)) ?? options.init;
    return await invert(
      pipeline,
      fitted.pairs,
      {
        seed: options.seed,
        ...(init === undefined ? {} : { init }),
        ...(options.start === undefined ? {} : { start: options.start }),
        ...(options.space === undefined ? {} : { space: options.space }),
        ...(options.steps === undefined ? {} : { steps: options.steps }),
      },
      {
        signal,
        ...(options.resume ? { resume: options.resume } : {}),
        ...(options.onPreview ? { previewEvery: Math.max(1, Math.round(steps / 8)) } : {}),
        checkpointEvery: 1,
        async onCheckpoint(state) {
          // A state is small beside a step's work, so every step offers one; the disk sees few of them.
          if (!signal.aborted && performance.now() - savedAt < saveEvery * 1000) return;
          await writeAside(options.stateFile, state);
          savedAt = performance.now();
        },
        onEvent({ stage, preview, validation: _, ...facts }) {
          progress.update({ stage: stageNames[stage], ...facts });
          if (!told && stage !== "prepare" && (facts.etaSeconds ?? 0) >= worthTelling) {
            progress.note(`Learning takes about ${showDuration(facts.etaSeconds!)} on this machine.`);
            told = true;
          }
          if (stage === "learn") reached = facts.step;
          if (!preview || !options.onPreview) return;
          const written = options.onPreview(stage === "learn" ? facts.step : 0, fitted.restoreFirst(preview));
          previews.push(written);
          return written;
        },
      },
    );
  } catch (error) {
    if (error instanceof Interrupted)
      throw new Interrupted(
        reached > 0 ? `Stopped after step ${reached} of ${steps}.` : "Stopped before the first step.",
      );
    throw error;
  } finally {
    progress.clear();
    await Promise.all(previews);
  }
}

/** The same words for the same seed, so a resumed run starts from the same ones. Nothing where no caption is asked for. */
async function captionOf(
  { progress, signal }: Context,
  pipeline: Pipeline,
  pair: ImagePair,
  { seed, phrases, caption }: RunInversionOptions,
): Promise<string | undefined> {
  if (!caption) return undefined;
  const onEvent = ({ step, steps }: { readonly step: number; readonly steps: number }) =>
    progress.update({ stage: "finding a caption", step, steps });
  const { captionPair } = await loadCaptionPair();
  const { text } = await captionPair(
    pipeline,
    pair,
    caption,
    { seed, ...(phrases ? { phrases } : {}) },
    { signal, onEvent },
  );
  progress.note(`Starting from the caption "${text}".`);
  return text;
}
