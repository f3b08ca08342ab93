import { z } from "zod";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";

const count = z.number().int().nonnegative();
const name = z.string().min(1);
const pool = z.object({
  minimum: count,
  maximum: count,
  onDemandBase: count,
  services: z.object({ spot: name, onDemand: name }),
  groups: z.object({ spot: name, onDemand: name }).optional(),
});

/** Environment variables of the scaler. */
export const scalerConfigSchema = awsConfigSchema
  .pick({ AWS_REGION: true, VISII_STAGE: true, VISII_TABLE: true, VISII_QUEUE_URLS: true })
  .extend({
    VISII_CLUSTER: name,
    VISII_POOLS: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.object({ interactive: pool, bulk: pool })),
  });

/** @throws ZodError that names the missing or invalid variable */
export const readScalerConfig = () => scalerConfigSchema.parse(process.env);
