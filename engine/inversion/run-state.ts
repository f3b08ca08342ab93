import { createHash } from "node:crypto";
import { z } from "zod";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../errors.ts";
import type { AdamWState } from "../optimizer/adamw.ts";
import { type DecodedSafetensors, decodeSafetensors } from "../weights/decode-safetensors.ts";
import { encodeSafetensors } from "../weights/safetensors-file.ts";
import type { LossScale } from "./loss-scale.ts";

/** A point of the loss curve: the mean loss of a step's batch, and the validation loss if it was computed. */
interface LossPoint {
  readonly step: number;
  readonly loss: number;
  readonly validation?: number;
}

/**
 * State of an inversion between two steps. A run resumed from it gives the same bits as an uninterrupted one.
 */
export interface RunState {
  /** Completed updates. */
  readonly step: number;
  readonly instruction: Float32Array;
  readonly optimizer: AdamWState;
  /** The best tokens so far, and their loss. */
  readonly best: {
    readonly instruction: Float32Array;
    readonly step: number;
    readonly score: number;
    /** Loss where an edit is decided; absent if it was not computed. */
    readonly decisive?: number;
  };
  readonly initialValidation: number;
  /** Loss of the init's words where an edit is decided. */
  readonly wordsDecisive?: number;
  /** Validation loss of the init's words, if learning starts from other rows. */
  readonly wordsValidation?: number;
  readonly curve: readonly LossPoint[];
  readonly counts: { readonly unetForwards: number; readonly unetBackwards: number };
  /** In half precision, for the next step. */
  readonly lossScale?: LossScale;
}

const headSchema = z.object({
  fingerprint: z.string(),
  step: z.number().int(),
  optimizerStep: z.number().int(),
  best: z.object({ step: z.number(), score: z.number(), decisive: z.number().optional() }),
  wordsDecisive: z.number().optional(),
  initialValidation: z.number(),
  wordsValidation: z.number().optional(),
  curve: z.array(z.object({ step: z.number(), loss: z.number(), validation: z.number().optional() })),
  counts: z.object({ unetForwards: z.number(), unetBackwards: z.number() }),
  lossScale: z.object({ factor: z.number().positive(), goodSteps: z.number().int() }).optional(),
});

/** Identifies a run by settings, model and images. A saved state can only continue the same run. */
export function fingerprintOf(settings: object, weightHash: string, images: readonly Float32Array[]): string {
  const hash = createHash("sha256").update(JSON.stringify(settings)).update(weightHash);
  for (const image of images) hash.update(new Uint8Array(image.buffer, image.byteOffset, image.byteLength));
  return hash.digest("hex");
}

export function encodeRunState(state: RunState, fingerprint: string): Uint8Array {
  const { instruction, optimizer, best } = state;
  const shape = [instruction.length];
  const head: z.input<typeof headSchema> = {
    fingerprint,
    step: state.step,
    optimizerStep: optimizer.step,
    best: {
      step: best.step,
      score: best.score,
      ...defined({ decisive: best.decisive }),
    },
    ...defined({ wordsDecisive: state.wordsDecisive }),
    initialValidation: state.initialValidation,
    ...defined({ wordsValidation: state.wordsValidation }),
    curve: state.curve.map((point) => ({ ...point })),
    counts: state.counts,
    ...(state.lossScale ? { lossScale: state.lossScale } : {}),
  };
  return encodeSafetensors(
    {
      instruction: { shape, data: instruction },
      mean: { shape, data: optimizer.mean },
      square: { shape, data: optimizer.square },
      best: { shape, data: best.instruction },
    },
    { visii_run: JSON.stringify(head) },
  );
}

/** @throws VisibleError `cannot_resume` if the state is damaged or belongs to another run */
export function decodeRunState(bytes: Uint8Array, fingerprint: string): RunState {
  const refuse = (why: string, cause?: unknown) =>
    new VisibleError(
      "cannot_resume",
      `The saved state cannot be continued: ${why}. Start again without --resume.`,
      {
        cause,
      },
    );
  let file: DecodedSafetensors;
  let head: z.infer<typeof headSchema>;
  try {
    file = decodeSafetensors(bytes, "the saved state");
    head = headSchema.parse(JSON.parse(file.metadata.visii_run ?? ""));
  } catch (cause) {
    throw refuse("it is damaged", cause);
  }
  if (head.fingerprint !== fingerprint)
    throw refuse("it belongs to a run with different images, settings or another model");
  const tensor = (name: string): Float32Array => {
    const found = file.tensors.get(name);
    if (!found) throw refuse(`it lacks ${name}`);
    return found;
  };
  return {
    step: head.step,
    instruction: tensor("instruction"),
    optimizer: { step: head.optimizerStep, mean: tensor("mean"), square: tensor("square") },
    best: {
      instruction: tensor("best"),
      step: head.best.step,
      score: head.best.score,
      ...defined({ decisive: head.best.decisive }),
    },
    ...defined({ wordsDecisive: head.wordsDecisive }),
    initialValidation: head.initialValidation,
    ...defined({ wordsValidation: head.wordsValidation }),
    curve: head.curve.map(({ step, loss, validation }) =>
      validation === undefined ? { step, loss } : { step, loss, validation },
    ),
    counts: head.counts,
    ...(head.lossScale ? { lossScale: head.lossScale } : {}),
  };
}
