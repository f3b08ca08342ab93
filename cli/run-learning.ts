import type { Learned, LearnOptions } from "visii-engine";
import { writeAside } from "visii-engine/files";
import type { ImagePair, RgbImage } from "visii-engine/images";
import { defined } from "../shared/defined.ts";
import type { Context } from "./context.ts";
import { type Instruction, loadEngine, type Pipeline } from "./engine.ts";
import { Interrupted } from "./interrupted.ts";
import { requireHostMemory } from "./machine-memory.ts";
import { modelSize, type Size } from "./picture-size.ts";
import { showDuration } from "./progress-bar.ts";
import { stageNames } from "./stage-names.ts";

interface RunLearningOptions extends Omit<LearnOptions, "size"> {
  readonly size?: Size;
  /** A saved state to go on from. */
  readonly resume?: Uint8Array;
  /** Where states are saved, every 15 seconds and on Ctrl-C. */
  readonly stateFile: string;
  readonly keepEvery?: number;
  onKept?(instruction: Instruction): Promise<void>;
  /** Called about eight times in a run with an edit of the first before image, at that image's own size. */
  onPreview?(step: number, preview: RgbImage): Promise<void>;
}

/** Seconds from which the time to expect is said. */
const worthTelling = 60;

/**
 * `learn` with a progress bar, previews and saved states. Ctrl-C: Interrupted, whose message is the bare fact; a
 * state file is there if a step was made.
 */
export async function runLearning(
  { progress, signal }: Context,
  pipeline: Pipeline,
  pairs: readonly [ImagePair, ...ImagePair[]],
  { size, resume, stateFile, keepEvery, onKept, onPreview, ...options }: RunLearningOptions,
): Promise<Learned> {
  const { learn } = await loadEngine();
  let [reached, steps] = [0, 0];
  let told = false;
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
              `Learning at ${width}×${height} (the pair is ${original.width}×${original.height}).`,
            );
        },
        onCheckpoint: (state) => writeAside(stateFile, state),
        async onEvent({ stage, preview, caption, validation: _, ...facts }) {
          progress.update({ stage: stageNames[stage]!, ...facts });
          // Not from a stage's first step, which also loads what the others use.
          if (!told && facts.step > 1 && (facts.etaSeconds ?? 0) >= worthTelling) {
            progress.note(`Learning takes about ${showDuration(facts.etaSeconds!)} on this machine.`);
            told = true;
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
