/**
 * Entry point of the container that runs before the worker: downloads the model to the machine's disk once.
 */
import { z } from "zod";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";
import { createAwsClients } from "../shared/aws/clients.ts";
import { fetchModel } from "../shared/aws/published-model.ts";
import { defined } from "../shared/defined.ts";
import { createJsonLog } from "../shared/json-log.ts";
import { systemClock as clock } from "../shared/system-clock.ts";

const configSchema = awsConfigSchema
  .pick({ AWS_REGION: true, VISII_STAGE: true, VISII_BUCKET: true, VISII_STORE_ENDPOINT: true })
  .extend({
    /** Target folder; the same as the worker's `VISII_MODEL`. */
    VISII_MODEL: z.string(),
    /** Its prefix in the bucket. */
    VISII_MODEL_SOURCE: z.string(),
  });

const { AWS_REGION, VISII_STAGE, VISII_BUCKET, VISII_STORE_ENDPOINT, VISII_MODEL, VISII_MODEL_SOURCE } =
  configSchema.parse(process.env);
const log = createJsonLog((line) => process.stderr.write(`${line}\n`), clock.now, "info", VISII_STAGE);
const { s3, destroy } = createAwsClients({
  region: AWS_REGION,
  ...defined({ storeEndpoint: VISII_STORE_ENDPOINT }),
});
try {
  const begun = clock.now();
  const place = { s3, bucket: VISII_BUCKET, prefix: VISII_MODEL_SOURCE };
  const { files, bytes } = await fetchModel(place, VISII_MODEL);
  const seconds = (clock.now() - begun) / 1000;
  log.info("the model is on disk", { model: VISII_MODEL_SOURCE, files, bytes, seconds });
} catch (error) {
  log.error("the model could not be fetched", { model: VISII_MODEL_SOURCE, error });
  process.exitCode = 1;
} finally {
  destroy();
}
