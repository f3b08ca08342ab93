import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { defined } from "../../shared/defined.ts";
import { readConfig } from "../networks/parse-config.ts";
import { type SchedulerKind, schedulerKinds } from "../schedulers/create-scheduler.ts";
import { type Mixing, mixings } from "./mixing.ts";

const guidance = z.number().finite();
const count = z.number().int().positive();

/** `visii.json` of a model folder: recommended settings. Every key is optional. */
const modelDefaultsSchema = z.object({
  id: z.string().optional(),
  /** Side in pixels of square images of the area that the model edits best (`fitToModel`). */
  resolution: count.optional(),
  init: z.string().default("make it look like the example"),
  /** What the captions of the folder's CLIP describe, and a file of phrases. */
  captions: z
    .object({
      describe: z.enum(["after", "edit"]).default("after"),
      phrases: z
        .string()
        .regex(/^[\w-][\w.-]*$/, "the name of a file in the model folder")
        .optional(),
    })
    .prefault({}),
  sampler: z
    .object({
      scheduler: z.enum(schedulerKinds).default("euler-ancestral"),
      steps: count.default(20),
      text_guidance: guidance.optional(),
      image_guidance: guidance.default(1.5),
      mixing: z.enum(mixings).default("joined"),
    })
    .prefault({}),
  inversion: z
    .object({
      learning_rate: z.number().positive().default(1e-2),
      steps: count.default(200),
      batch_size: count.default(2),
      text_guidance: guidance.optional(),
      image_guidance: guidance.default(1.5),
      /** For learning that starts from the pair encoder's tokens. */
      pair: z
        .object({ learning_rate: z.number().positive().optional(), steps: count.optional() })
        .prefault({}),
      /** For kv space, whose keys and values have another scale; the text learning rate when absent. */
      kv: z.object({ learning_rate: z.number().positive().optional() }).prefault({}),
    })
    .prefault({}),
});

/**
 * Default settings of a model. Without a `visii.json`, guidance and sampler are InstructPix2Pix's (for Stable
 * Diffusion XL, diffusers' text guidance of 5). The learning rate is the paper's 1e-3 over 1000 steps,
 * adapted to 200: with the cosine schedule (half on average), 200 steps of 1e-2 give the same total.
 */
export interface ModelDefaults {
  readonly resolution: number;
  readonly init: string;
  /** Where learning starts without an init: at the output of the pair encoder, if the model has one. */
  readonly start: "pair" | "words";
  readonly captions: {
    /**
     * `after`: a caption describes the after image; `edit`: it describes the difference f(after) − f(before).
     */
    readonly describe: "after" | "edit";
    /** File in the model folder with one phrase per line, if there is one. */
    readonly phrases?: string;
  };
  readonly sampler: {
    readonly scheduler: SchedulerKind;
    readonly steps: number;
    readonly textGuidance: number;
    readonly imageGuidance: number;
    /** For an instruction with text. */
    readonly mixing: Mixing;
  };
  readonly inversion: {
    readonly steps: number;
    readonly learningRate: number;
    readonly batchSize: number;
    readonly textGuidance: number;
    readonly imageGuidance: number;
    /** Overrides for a start from the pair encoder's tokens. */
    readonly pair: { readonly steps: number; readonly learningRate: number };
    /** Overrides for kv space. */
    readonly kv: { readonly learningRate: number };
  };
}

/** Defaults that depend on the model family. */
interface FamilyDefaults {
  readonly resolution: number;
  readonly textGuidance: number;
}

export async function readModelDefaults(
  folder: string,
  family: FamilyDefaults,
): Promise<Omit<ModelDefaults, "start"> & { readonly id: string | undefined }> {
  const file = join(folder, "visii.json");
  const present = await access(file).then(
    () => true,
    () => false,
  );
  const parsed = present ? await readConfig(file, modelDefaultsSchema) : modelDefaultsSchema.parse({});
  const { sampler, inversion, captions } = parsed;
  return {
    id: parsed.id,
    resolution: parsed.resolution ?? family.resolution,
    init: parsed.init,
    captions: {
      describe: captions.describe,
      ...defined({ phrases: captions.phrases }),
    },
    sampler: {
      scheduler: sampler.scheduler,
      steps: sampler.steps,
      textGuidance: sampler.text_guidance ?? family.textGuidance,
      imageGuidance: sampler.image_guidance,
      mixing: sampler.mixing,
    },
    inversion: {
      steps: inversion.steps,
      learningRate: inversion.learning_rate,
      batchSize: inversion.batch_size,
      textGuidance: inversion.text_guidance ?? family.textGuidance,
      imageGuidance: inversion.image_guidance,
      pair: {
        steps: inversion.pair.steps ?? inversion.steps,
        learningRate: inversion.pair.learning_rate ?? inversion.learning_rate,
      },
      kv: { learningRate: inversion.kv.learning_rate ?? inversion.learning_rate },
    },
  };
}
