import { z } from "zod";
import { InternalError } from "../errors.ts";
import { precisions } from "../networks/precision.ts";
import type { TextAttention } from "../networks/text-attention.ts";

const lossPoint = z.object({ step: z.number().int(), loss: z.number(), validation: z.number().optional() });

/**
 * The space of an instruction: `text` is the text encoder's output; `kv` is the keys and values that the
 * UNet's cross-attention layers compute from it (InstructBrush, Zhao et al. 2024).
 */
export const instructionSpaces = ["text", "kv"] as const;
export type InstructionSpace = (typeof instructionSpaces)[number];

/** Each space has its own file version, so that a reader that supports only the first can still read it. */
export const formatVersionOf = { text: 1, kv: 2 } as const satisfies Readonly<
  Record<InstructionSpace, number>
>;

/** Everything about an instruction except its tokens: how it was made, and how to make it again. */
export const instructionInfoSchema = z
  .object({
    formatVersion: z.union([z.literal(1), z.literal(2)]),
    /** Files written before kv space existed have no `space`. */
    space: z.enum(instructionSpaces).default("text"),
    modelId: z.string(),
    /** SHA-256 of the weights it was learned with. It cannot be used with other weights. */
    weightHash: z.string(),
    seed: z.number().int().nonnegative(),
    /** The text whose rows it replaces. */
    init: z.string(),
    /** `pair`: learning started from the pair encoder's output; absent if it started from the init's rows. */
    start: z.literal("pair").optional(),
    hyperParameters: z.object({
      /** 0: the pair encoder's output unchanged. */
      steps: z.number().int().nonnegative(),
      learningRate: z.number().positive(),
      batchSize: z.number().int().positive(),
      textGuidance: z.number(),
      imageGuidance: z.number(),
      loop: z.enum(["fast", "reference"]),
      pairs: z.number().int().positive(),
      /** Size in pixels at which the first pair was learned. */
      width: z.number().int().positive(),
      height: z.number().int().positive(),
      /** Precision of the UNet; files without it were learned in fp32. */
      precision: z.enum(precisions).optional(),
    }),
    /** Absent if no steps were made. */
    losses: z
      .object({
        first: z.number(),
        last: z.number(),
        /** Loss of the final tokens on the fixed validation samples. */
        validation: z.number(),
        /** Loss of the initial tokens on the same samples. */
        initialValidation: z.number(),
        /**
         * Loss of the init's words on the same samples, if learning started from the pair encoder's output.
         */
        wordsValidation: z.number().optional(),
        /**
         * Losses of the init's words and of the final tokens, in units of v, over the samples with more noise
         * than signal, where an edit is decided.
         */
        decisive: z.object({ words: z.number(), learned: z.number() }).optional(),
        /** The step after which the final tokens were reached; 0 is the start. */
        bestStep: z.number().int().nonnegative(),
        curve: z.array(lossPoint),
      })
      .optional(),
    counts: z.object({ unetForwards: z.number().int(), unetBackwards: z.number().int() }),
  })
  .refine(({ formatVersion, space }) => formatVersion === formatVersionOf[space], {
    path: ["formatVersion"],
    error: "not the version of its space",
  });

export type InstructionInfo = z.infer<typeof instructionInfoSchema>;
export type Losses = NonNullable<InstructionInfo["losses"]>;

/** The losses of an instruction with at least one step. @throws InternalError */
export function lossesOf({ losses }: Pick<InstructionInfo, "losses">): Losses {
  if (!losses) throw new InternalError("the losses of an instruction of 0 steps");
  return losses;
}

/** A learned edit: rows for positions 1 … n of a text. The other positions are those of the init text. */
export interface Instruction {
  /** [tokenCount · dimension], row-major. */
  readonly tokens: Float32Array;
  readonly tokenCount: number;
  /** Width of the model's text embedding; in kv space, of all keys and values. */
  readonly dimension: number;
  /**
   * In kv space: the attention layers of the columns, each with its keys and then its values. Absent in text
   * space.
   */
  readonly attentions?: readonly TextAttention[];
  readonly info: InstructionInfo;
}
