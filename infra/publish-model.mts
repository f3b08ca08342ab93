/** `npm run publish-model`: uploads a model folder for the workers of a stage. */
import { parseArgs } from "node:util";
import { createAwsClients } from "../shared/aws/clients.ts";
import { publishModel } from "../shared/aws/published-model.ts";
import { VisibleError } from "../shared/errors.ts";

const usage = `Usage: npm run publish-model -- FOLDER --name NAME/VERSION --bucket BUCKET        with AWS_REGION in the environment

  FOLDER    a model folder in diffusers layout
  --name    as \`model\` in infra/stages.ts; existing names are never overwritten
  --bucket  as printed by the deployment
`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: "string" }, bucket: { type: "string" } },
  });
  const [folder, ...rest] = positionals;
  const { name, bucket } = values;
  const { AWS_REGION: region, VISII_STORE_ENDPOINT: storeEndpoint } = process.env;
  if (!folder || rest.length || !name || !bucket || !region) throw new VisibleError("usage", usage);
  if (!/^[\w-]+\/[\w.-]+$/.test(name))
    throw new VisibleError("usage", `--name ${name} is invalid; use NAME/VERSION.\n\n${usage}`);
  const { s3, destroy } = createAwsClients({ region, ...(storeEndpoint ? { storeEndpoint } : {}) });
  try {
    const { files } = await publishModel(
      { s3, bucket, prefix: `models/${name}` },
      folder,
      ({ path, bytes }) => process.stderr.write(`${path}  ${(bytes / 2 ** 20).toFixed(1)} MiB\n`),
    );
    process.stdout.write(`published ${files.length} files to s3://${bucket}/models/${name}\n`);
  } finally {
    destroy();
  }
} catch (error) {
  const isUsageError = error instanceof VisibleError || error instanceof TypeError;
  process.stderr.write(`${isUsageError ? error.message : String(error)}\n`);
  process.exitCode = isUsageError ? 2 : 1;
}
