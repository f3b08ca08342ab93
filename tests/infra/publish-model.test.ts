import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StandIns, startStandIns } from "../../local/stand-ins.ts";
import { type AwsClients, createAwsClients } from "../../shared/aws/clients.ts";
import { fetchModel } from "../../shared/aws/published-model.ts";
import { root } from "./evaluate.ts";

let standIns: StandIns;
let clients: AwsClients;
let folder: string;

beforeAll(async () => {
  standIns = await startStandIns();
  clients = createAwsClients(standIns.aws);
  folder = await mkdtemp(join(tmpdir(), "visii-publish-"));
  await writeFile(join(folder, "model_index.json"), "{}");
});
afterAll(async () => {
  clients.destroy();
  await standIns.stop();
  await rm(folder, { recursive: true });
});

/** Runs the command, with a stand-in for S3. */
async function publish(...words: readonly string[]) {
  const { region, storeEndpoint, credentials } = standIns.aws;
  const env = {
    PATH: process.env.PATH,
    AWS_REGION: region,
    VISII_STORE_ENDPOINT: storeEndpoint,
    AWS_ACCESS_KEY_ID: credentials?.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey,
  };
  const command = [
    join(root, "node_modules/tsx/dist/cli.mjs"),
    join(root, "infra/publish-model.mts"),
    ...words,
  ];
  const run = promisify(execFile)(process.execPath, command, { env });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}

test("publishes a model folder once per name, where workers download it", async () => {
  const words = [folder, "--name", "small/1", "--bucket", standIns.bucket];
  expect(await publish(...words)).toMatchObject({
    code: 0,
    stdout: "published 1 files to s3://visii/models/small/1\n",
  });
  const place = { s3: clients.s3, bucket: standIns.bucket, prefix: "models/small/1" };
  const fetched = join(folder, "fetched");
  await fetchModel(place, fetched);
  expect(await readFile(join(fetched, "model_index.json"), "utf8")).toBe("{}");
  const again = await publish(...words);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("models/small/1 is already published");
});

test.each([
  ["without a folder", [], "Usage: npm run publish-model"],
  ["with a name without a version", ["folder", "--name", "small", "--bucket", "b"], "use NAME/VERSION"],
  ["with an unknown option", ["folder", "--nmae", "small/1"], "--nmae"],
])("%s, it fails with usage help", async (_, words, sentence) => {
  const { code, stderr } = await publish(...words);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
});
