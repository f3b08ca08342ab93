import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Api } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await Api.open();
});
afterAll(() => api?.stop());

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `npm run admin -- …` against the stand-ins. */
function admin(...words: string[]): Promise<Outcome> {
  const { aws, table } = api.world.standIns;
  const env = {
    ...process.env,
    AWS_REGION: aws.region,
    VISII_TABLE: table,
    VISII_TABLE_ENDPOINT: aws.tableEndpoint,
    AWS_ACCESS_KEY_ID: aws.credentials?.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials?.secretAccessKey,
  };
  const script = fileURLToPath(new URL("../../functions/admin.ts", import.meta.url));
  const argv = ["--import", import.meta.resolve("tsx"), script, ...words];
  return new Promise((resolve) =>
    execFile(process.execPath, argv, { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    ),
  );
}

describe("npm run admin", () => {
  it("creates an account with a working key, adds a second key, and adds credit once per reference", async () => {
    const made = JSON.parse((await admin("create-account", "--name", "first", "--credits", "500")).stdout);
    expect(made.key).toMatch(/^visii_live_/);
    const call = api.as(made.account, made.key);
    expect((await call("GET", "/v1/usage")).body).toMatchObject({ balance: 500 });
    const second = JSON.parse((await admin("create-key", "--account", made.account)).stdout);
    expect((await api.as(made.account, second.key)("GET", "/v1/keys")).body.data).toHaveLength(2);
    const grant = ["grant", "--account", made.account, "--credits", "1000", "--reference", "invoice-7"];
    const granted = [await admin(...grant), await admin(...grant)];
    expect(granted.map(({ stdout }) => JSON.parse(stdout))).toEqual([
      { available: 1500 },
      { available: 1500 },
    ]);
    expect((await call("GET", "/v1/usage")).body).toMatchObject({ balance: 1500 });
  });

  it("reports a wrong call and shows the usage", async () => {
    const outcomes = [
      await admin(),
      await admin("create-account"),
      await admin("create-key", "--account", "me"),
      await admin("create-key", "--account", `acc_${"0".repeat(26)}`),
    ];
    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    const words = ["Usage:", "--name", "--account: must be an ID", "Account acc_"];
    for (const [index, { stderr }] of outcomes.entries()) expect(stderr).toContain(words[index]);
  });
});
