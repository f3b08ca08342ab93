import { z } from "zod";
import { InternalError } from "../errors.ts";
import { precisions } from "../networks/precision.ts";
import type { TextAttention } from "../networks/text-attention.ts";

const lossPoint = z.object({ step: z.number().int(), loss: z.number(), validation: z.number().optional() });

/**
 * Where an instruction lives: in the text encoder's output, or behind it, in the keys and values that the UNet's
 * attentions to the text make of it (InstructBrush, Zhao et al. 2024).
 */
export const instructionSpaces = ["text", "kv"] as const;
export type InstructionSpace = (typeof instructionSpaces)[number];

/** Each space is a version of the file of its own, so that a reader that knows only the first still reads that. */
export const formatVersionOf = { text: 1, kv: 2 } as const satisfies Readonly<
  Record<InstructionSpace, number>
>;

/** Everything about an instruction but its tokens: enough to know how it was made and to make it again. */
export const instructionInfoSchema = z
  .object({
    formatVersion: z.union([z.literal(1), z.literal(2)]),
    /** Files made before there was a choice do not say it. */
    space: z.enum(instructionSpaces).default("text"),
    modelId: z.string(),
    /** SHA-256 of the weights it was learned through; it means nothing to others. */
    weightHash: z.string(),
    seed: z.number().int().nonnegative(),
    /** The text whose rows it replaces. */
    init: z.string(),
    /** `pair`: learning started from rows that a pair encoder wrote; absent where it started from the init's own. */
    start: z.literal("pair").optional(),
    hyperParameters: z.object({
      /** 0: the pair encoder's rows as they are. */
      steps: z.number().int().nonnegative(),
      learningRate: z.number().positive(),
      batchSize: z.number().int().positive(),
      textGuidance: z.number(),
      imageGuidance: z.number(),
      loop: z.enum(["fast", "reference"]),
      pairs: z.number().int().positive(),
      /** Pixels of the (first) pair as it was learned. */
      width: z.number().int().positive(),
      height: z.number().int().positive(),
      /** What the UNet computed in; files that do not say it were learned in fp32. */
      precision: z.enum(precisions).optional(),
    }),
    /** Absent where no step was made. */
    losses: z
      .object({
        first: z.number(),
        last: z.number(),
        /** Of the tokens kept, on the fixed validation samples. */
        validation: z.number(),
        /** Of the tokens that learning started from, on the same samples. */
        initialValidation: z.number(),
        /** Of the init's own words on the same samples, where learning started from a pair encoder's rows. */
        wordsValidation: z.number().optional(),
        /** In units of v and of the samples with more noise than signal alone, where an edit is decided: of the init's words, and of the tokens kept. */
        decisive: z.object({ words: z.number(), learned: z.number() }).optional(),
        /** The step after which the tokens kept were reached; 0 is the start itself. */
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

/** The losses of an instruction that steps were made for. @throws InternalError for one without */
export function lossesOf({ losses }: Pick<InstructionInfo, "losses">): Losses {
  if (!losses) throw new InternalError("the losses of an instruction of 0 steps");
  return losses;
}

/** A learned edit: what stands at positions 1 … n of a text, whose other positions are those of the init text. */
export interface Instruction {
  /** [tokenCount · dimension], row-major. */
  readonly tokens: Float32Array;
  /** n */
  readonly tokenCount: number;
  /** Width of the model's text embedding; in kv space of all its keys and values. */
  readonly dimension: number;
  /** In kv space: what the columns are, each attention's keys and then its values. Absent in text space. */
  readonly attentions?: readonly TextAttention[];
  readonly info: InstructionInfo;
}
