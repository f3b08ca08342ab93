import { z } from "zod";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";

const count = z.number().int().nonnegative();
const pool = z.object({
  ...{ minimum: count, maximum: count, onDemandBase: count },
  services: z.object({ spot: z.string().min(1), onDemand: z.string().min(1) }),
});

/** What the scaler is told through its environment. */
export const scalerConfigSchema = awsConfigSchema
  .pick({ AWS_REGION: true, VISII_STAGE: true, VISII_TABLE: true, VISII_QUEUE_URLS: true })
  .extend({
    VISII_CLUSTER: z.string().min(1),
    VISII_POOLS: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.object({ interactive: pool, bulk: pool })),
  });

/** @throws ZodError that names the variable which is missing or wrong */
export const readScalerConfig = () => scalerConfigSchema.parse(process.env);
