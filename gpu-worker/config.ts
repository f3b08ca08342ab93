import { z } from "zod";
import { precisions } from "../engine/networks/precision.ts";
import { isDevice } from "../engine/runtime/device.ts";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";
import { queueNames } from "../shared/queue-timing.ts";

const queueName = z.enum(Object.keys(queueNames) as [keyof typeof queueNames]);
const lane = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(queueName).min(1));

/** On what it computes, and how. */
export const deviceConfigSchema = z.object({
  VISII_DEVICE: z.string().refine(isDevice, "it must be cpu, webgpu, cuda or cuda:n").default("cpu"),
  /** What the UNet computes in. Float32 everywhere unless it is said: results then do not depend on the machine's kind. */
  VISII_PRECISION: z.enum(precisions).default("fp32"),
});

/** What a worker is told through its environment. */
export const workerConfigSchema = awsConfigSchema
  .extend({
    ...deviceConfigSchema.shape,
    VISII_MODEL: z.string(),
    VISII_THREADS: z.coerce.number().int().positive().optional(),
    /**
     * Where what is computed from the model is kept for the next start, by all workers that share the folder: a disk's, not the
     * container's own. Computed at every start when absent.
     */
    VISII_CACHE: z.string().optional(),
    /** The most that it may take, GB. */
    VISII_CACHE_SIZE: z.coerce.number().positive().default(20),
    /**
     * The queues each lane takes work from, in order of preference: `interactive,bulk;learning` is two lanes, each with a
     * computing process of its own, so that a long learning holds up no edit.
     */
    VISII_LANES: z
      .string()
      .default("interactive,bulk;learning")
      .transform((text) => text.split(";"))
      .pipe(z.array(lane).min(1)),
    /**
     * GB of the device that each lane's sessions may take, in the lanes' order: `7;12`. Together they must fit the card, or the worker
     * refuses to start. When absent each lane takes what a whole machine could give, which is right for one lane alone.
     */
    VISII_LANE_MEMORY: z
      .string()
      .transform((text) => text.split(";").map(Number))
      .pipe(z.array(z.number().positive()))
      .optional(),
    /** Seconds between two saved states of a learning. */
    VISII_SAVE_EVERY: z.coerce.number().positive().default(10),
    /** Images that edits with one prompt sample as one batch, when their jobs wait together; 1 takes each job alone. */
    VISII_BATCH: z.coerce.number().int().min(1).max(16).default(4),
    /**
     * Seconds a busy computing process may say nothing before it is killed and its job tried again. It tells of every step, so
     * longer than one step, and than the compilation of the largest session.
     */
    VISII_SILENCE: z.coerce.number().positive().default(300),
    VISII_LOG: z.enum(["info", "error"]).default("info"),
    /** Health is answered there; nowhere when absent. */
    VISII_HEALTH_PORT: z.coerce.number().int().optional(),
    /** Set by ECS in its containers: where a worker says that it is busy. */
    ECS_AGENT_URI: z.url().optional(),
  })
  .refine(
    ({ VISII_LANES, VISII_LANE_MEMORY }) =>
      (VISII_LANE_MEMORY?.length ?? VISII_LANES.length) === VISII_LANES.length,
    { path: ["VISII_LANE_MEMORY"], message: "it must have a share for each lane of VISII_LANES" },
  );
