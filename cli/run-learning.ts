import type { Learned, LearnOptions } from "visii-engine";
import { writeAtomically } from "visii-engine/files";
import type { ImagePair, RgbImage } from "visii-engine/images";
import { defined } from "../shared/defined.ts";
import type { Context } from "./context.ts";
import { type Instruction, loadEngine, type Pipeline } from "./engine.ts";
import { modelSize, type Size } from "./image-size.ts";
import { Interrupted } from "./interrupted.ts";
import { requireHostMemory } from "./machine-memory.ts";
import { showDuration } from "./progress-bar.ts";
import { stageNames } from "./stage-names.ts";

interface RunLearningOptions extends Omit<LearnOptions, "size"> {
  readonly size?: Size;
  /** The saved state to resume from. */
  readonly resume?: Uint8Array;
  /** File for the saved state, written every 15 seconds and on Ctrl-C. */
  readonly stateFile: string;
  readonly keepEvery?: number;
  onKept?(instruction: Instruction): Promise<void>;
  /** Called about eight times per run with an edit of the first before image, at that image's size. */
  onPreview?(step: number, preview: RgbImage): Promise<void>;
}

/** Minimum estimated duration, in seconds, that is announced. */
const announcedFrom = 60;

/**
 * Calls `learn` with a progress bar, previews and saved states. Ctrl-C throws Interrupted; the state file
 * exists if at least one step was made.
 */
export async function runLearning(
  { progress, signal }: Context,
  pipeline: Pipeline,
  pairs: readonly [ImagePair, ...ImagePair[]],
  { size, resume, stateFile, keepEvery, onKept, onPreview, ...options }: RunLearningOptions,
): Promise<Learned> {
  const { learn } = await loadEngine();
  let [reached, steps] = [0, 0];
  let announced = false;
  try {
    return await learn(
      pipeline,
      pairs,
      { ...options, size: modelSize(pipeline, size) },
      {
        signal,
        ...defined({ resume, keepEvery, onKept }),
        ...(onPreview ? { previews: 8 } : {}),
        async onFitted({ width, height, notices }) {
          for (const notice of notices) progress.note(notice);
          await requireHostMemory(pipeline, "learn", { width, height });
          const original = pairs[0].before;
          if (original.width !== width || original.height !== height)
            progress.note(
              `Learning at ${width}×${height} (size of the pair: ${original.width}×${original.height}).`,
            );
        },
        onCheckpoint: (state) => writeAtomically(stateFile, state),
        async onEvent({ stage, preview, caption, validation: _, ...facts }) {
          progress.update({ stage: stageNames[stage]!, ...facts });
          // The first step of a stage also loads models, so its estimate is skipped.
          if (!announced && facts.step > 1 && (facts.etaSeconds ?? 0) >= announcedFrom) {
            progress.note(`Learning takes about ${showDuration(facts.etaSeconds!)} on this machine.`);
            announced = true;
          }
          if (caption !== undefined) progress.note(`Starting from the caption "${caption}".`);
          if (stage === "learn") [reached, steps] = [facts.step, facts.steps];
          if (preview) await onPreview?.(reached, preview);
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
  }
}
