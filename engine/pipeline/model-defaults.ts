import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readConfig } from "../networks/parse-config.ts";
import { type SchedulerKind, schedulerKinds } from "../schedulers/create-scheduler.ts";
import { type Mixing, mixings } from "./mixing.ts";

const guidance = z.number().finite();
const count = z.number().int().positive();

/** `visii.json` of a model folder: the settings its makers measured to be good. Every part may be absent. */
const modelDefaultsSchema = z.object({
  id: z.string().optional(),
  /** Side of the square pictures, in pixels, whose area the model edits best (`fitToModel`). */
  resolution: count.optional(),
  init: z.string().default("make it look like the example"),
  /** What the texts of the folder's CLIP are about, and a file of phrases that its image side knows. */
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
      /** For the space kv, whose keys and values have another scale; the text's own rate when absent. */
      kv: z.object({ learning_rate: z.number().positive().optional() }).prefault({}),
    })
    .prefault({}),
});

/**
 * What a model is run with unless the caller says otherwise. Without a `visii.json` the guidance and sampler are
 * InstructPix2Pix's (in Stable Diffusion XL diffusers' text guidance of 5), and the learning rate is the paper's 1e-3 over 1000
 * steps, spent in 200: under the cosine schedule (half on average) 200 steps of 1e-2 travel as far.
 */
export interface ModelDefaults {
  readonly resolution: number;
  readonly init: string;
  /** What learning starts from unless the caller gives words: what the model's pair encoder reads off the pair, if it has one. */
  readonly start: "pair" | "words";
  readonly captions: {
    /** `after`: a text is near the picture it describes; `edit`: it is near the difference f(after) − f(before). */
    readonly describe: "after" | "edit";
    /** File of the model folder with one phrase a line, where it has one. */
    readonly phrases?: string;
  };
  readonly sampler: {
    readonly scheduler: SchedulerKind;
    readonly steps: number;
    readonly textGuidance: number;
    readonly imageGuidance: number;
    /** Of a learned instruction with words. */
    readonly mixing: Mixing;
  };
  readonly inversion: {
    readonly steps: number;
    readonly learningRate: number;
    readonly batchSize: number;
    readonly textGuidance: number;
    readonly imageGuidance: number;
    /** What is different in the space kv. */
    readonly kv: { readonly learningRate: number };
  };
}

/** What differs from family to family. */
export interface FamilyDefaults {
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
      ...(captions.phrases === undefined ? {} : { phrases: captions.phrases }),
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
      kv: { learningRate: inversion.kv.learning_rate ?? inversion.learning_rate },
    },
  };
}
