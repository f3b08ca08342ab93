import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolFolder } from "../contracts/strict-servers.ts";
import { Api } from "./api.ts";

/** Third-party tools for OpenAPI documents, run on the API's document. */
const run = promisify(execFile);
const rules = (name: string) => fileURLToPath(new URL(`../../.ci/${name}.yaml`, import.meta.url));
const npmTool = (name: string) => join(toolFolder, name, "node_modules", ".bin", name);
const [redocly, spectral] = [npmTool("redocly"), npmTool("spectral")];
for (const file of [redocly, spectral])
  if (!existsSync(file)) console.warn(`NOT RUN: ${file}; .ci/servers gets it.`);

/** A tool's output on both streams. */
const outputOf = (command: string, args: readonly string[], environment: Record<string, string> = {}) =>
  run(command, args, { env: { ...process.env, ...environment } }).then(
    ({ stdout, stderr }) => stdout + stderr,
    ({ stdout, stderr, message }) => [stdout, stderr, message].join("\n"),
  );

describe("the OpenAPI document", () => {
  let folder = "";
  let file = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "visii-openapi-"));
    file = join(folder, "openapi.json");
    const api = await Api.open();
    const document = await (await api.app.request("/openapi.json")).json();
    await writeFile(file, JSON.stringify(document, undefined, 2));
    await api.stop();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.skipIf(!existsSync(redocly))(
    "passes Redocly without a warning",
    async () => {
      const quiet = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
      const args = ["lint", "--config", rules("redocly"), "--format=summary", file];
      const said = await outputOf(redocly, args, quiet);
      expect(said).toMatch(/Your API description is valid/);
      expect(said).not.toMatch(/^(warning|error) /m);
    },
    120_000,
  );

  it.skipIf(!existsSync(spectral))(
    "passes Spectral without a warning",
    async () => {
      const args = ["lint", "--ruleset", rules("spectral"), "--fail-severity=hint", file];
      expect(await outputOf(spectral, args)).toMatch(
        /^No results with a severity of 'hint' or higher found!\s*$/,
      );
    },
    120_000,
  );
});
