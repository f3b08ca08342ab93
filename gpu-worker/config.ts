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

/** Variables of the device. */
export const deviceConfigSchema = z.object({
  VISII_DEVICE: z.string().refine(isDevice, "must be cpu, webgpu, cuda or cuda:n").default("cpu"),
  /**
   * Precision of the UNet. int8 requires the CPU. The default is fp32 on every device, so that results do not
   * depend on the device.
   */
  VISII_PRECISION: z.enum(precisions).default("fp32"),
});

/** Environment variables of a worker. */
export const workerConfigSchema = awsConfigSchema
  .extend({
    ...deviceConfigSchema.shape,
    /** Queue of the function that settles ended jobs. */
    VISII_SETTLEMENT_QUEUE_URL: z.string().min(1),
    VISII_MODEL: z.string(),
    VISII_THREADS: z.coerce.number().int().positive().optional(),
    /**
     * Folder on a persistent disk that caches data derived from the model, shared by all workers. Without it,
     * the data is computed at each start.
     */
    VISII_CACHE: z.string().optional(),
    /** Size limit of the cache in GB. */
    VISII_CACHE_SIZE: z.coerce.number().positive().default(20),
    /**
     * The queues of each lane, in order of preference. `interactive,bulk;learning` means two lanes, each with
     * its own compute process, so that learning does not delay edits.
     */
    VISII_LANES: z
      .string()
      .default("interactive,bulk;learning")
      .transform((text) => text.split(";"))
      .pipe(z.array(lane).min(1)),
    /**
     * Device memory in GB for each lane's sessions, in the order of lanes, such as `7;12`. The worker does
     * not start if the sum exceeds the GPU's memory. Without it, each lane may use all memory, which suits a
     * single lane.
     */
    VISII_LANE_MEMORY: z
      .string()
      .transform((text) => text.split(";").map(Number))
      .pipe(z.array(z.number().positive()))
      .optional(),
    /** Seconds between two checkpoints of a learning job. */
    VISII_SAVE_EVERY: z.coerce.number().positive().default(10),
    /**
     * Maximum images sampled as one batch when several edits with the same prompt are queued; 1 disables
     * batching.
     */
    VISII_BATCH: z.coerce.number().int().min(1).max(16).default(4),
    /**
     * Seconds without a message after which a busy compute process is killed and its job retried. It reports
     * every step, so this must be longer than a step and than the compilation of the largest session.
     */
    VISII_HANG_TIMEOUT: z.coerce.number().positive().default(300),
    /** Maximum seconds of processor time to decode an uploaded image. */
    VISII_DECODE_LIMIT: z.coerce.number().positive().default(30),
    VISII_LOG: z.enum(["info", "error"]).default("info"),
    /** Port of the health check; disabled when absent. */
    VISII_HEALTH_PORT: z.coerce.number().int().optional(),
    /** Set by ECS: endpoint for task scale-in protection. */
    ECS_AGENT_URI: z.url().optional(),
  })
  .refine(
    ({ VISII_LANES, VISII_LANE_MEMORY }) =>
      (VISII_LANE_MEMORY?.length ?? VISII_LANES.length) === VISII_LANES.length,
    { path: ["VISII_LANE_MEMORY"], message: "must have one value per lane of VISII_LANES" },
  )
  .refine(({ VISII_DEVICE, VISII_PRECISION }) => VISII_PRECISION !== "int8" || VISII_DEVICE === "cpu", {
    path: ["VISII_PRECISION"],
    message: "int8 requires the CPU; set VISII_DEVICE to cpu, or use fp32 or fp16",
  });
