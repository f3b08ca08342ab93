import { z } from "zod";

const lossPoint = z.object({ step: z.number().int(), loss: z.number(), validation: z.number().optional() });

/** Everything about an instruction but its tokens: enough to know how it was made and to make it again. */
export const instructionInfoSchema = z.object({
  formatVersion: z.literal(1),
  modelId: z.string(),
  /** SHA-256 of the weights it was learned through; it means nothing to others. */
  weightHash: z.string(),
  seed: z.number().int().nonnegative(),
  init: z.string(),
  hyperParameters: z.object({
    steps: z.number().int().positive(),
    learningRate: z.number().positive(),
    batchSize: z.number().int().positive(),
    textGuidance: z.number(),
    imageGuidance: z.number(),
    loop: z.enum(["fast", "reference"]),
    pairs: z.number().int().positive(),
    /** Pixels of the (first) pair as it was learned. */
    width: z.number().int().positive(),
    height: z.number().int().positive(),
  }),
  losses: z.object({
    first: z.number(),
    last: z.number(),
    /** Of the tokens kept, on the fixed validation samples. */
    validation: z.number(),
    /** Of the init, on the same samples. */
    initialValidation: z.number(),
    /** The step after which the tokens kept were reached; 0 is the init itself. */
    bestStep: z.number().int().nonnegative(),
    curve: z.array(lossPoint),
  }),
  counts: z.object({ unetForwards: z.number().int(), unetBackwards: z.number().int() }),
});

export type InstructionInfo = z.infer<typeof instructionInfoSchema>;

/** A learned edit: the rows 1 … n of a text embedding, whose other rows are those of the init text. */
export interface Instruction {
  /** [tokenCount · dimension], row-major. */
  readonly tokens: Float32Array;
  readonly tokenCount: number;
  /** Width of the model's text embedding. */
  readonly dimension: number;
  readonly info: InstructionInfo;
}
