import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolFolder } from "../contracts/strict-servers.ts";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "./running-service.ts";

/** Schemathesis generates requests from /openapi.json and checks every response against it. */
const run = promisify(execFile);
const home = join(toolFolder, "schemathesis");
const isHere = existsSync(join(home, "schemathesis"));
if (!isHere) console.warn(`NOT RUN: Schemathesis in ${home}; .ci/servers gets it.`);

/** Part of Schemathesis's report. */
interface Report {
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly { readonly title: string; readonly operations: readonly string[] }[];
  readonly errors: readonly { readonly title: string }[];
  readonly warnings: { readonly missing_auth: readonly string[] };
}

describe.skipIf(!isHere)("the API under Schemathesis", () => {
  let service: RunningService;
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "visii-schemathesis-"));
    // Without a worker, whose start would take longer than the test: jobs stay queued.
    service = await RunningService.start({
      workers: 0,
      credits: 1_000_000_000,
      settings: { requestsPerMinute: 1_000_000, longestWait: 1 },
    });
  });
  afterAll(async () => {
    await service?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("responds as its OpenAPI document describes, and never with 5xx", async () => {
    const { url, key } = service.service;
    const config = join(folder, "schemathesis.toml");
    await writeFile(config, configuration(await resourcesOf(service)));
    const file = join(folder, "report.json");
    const description = join(folder, "openapi.json");
    await writeFile(description, JSON.stringify(await describedWithBodyLinks(service)));
    const command = ["-m", "schemathesis.cli", "--config-file", config, "--no-color", "run"];
    const report = ["--report", "json", "--report-json-path", file];
    const said = await run(
      "python3",
      [...command, description, "--url", url, "--header", `Authorization: Bearer ${key}`, ...report],
      { cwd: folder, env: { ...process.env, PYTHONPATH: home }, maxBuffer: 2 ** 26 },
    ).then(
      ({ stdout }) => stdout,
      ({ stdout, stderr, message }) => [stdout, stderr, message].join("\n"),
    );
    const text = await readFile(file, "utf8").catch(() => Promise.reject(new Error(said)));
    const { test_cases, failures, errors, warnings }: Report = JSON.parse(text);
    expect({ failures, errors }, said).toEqual({ failures: [], errors: [] });
    expect(test_cases.generated).toBeGreaterThan(2000);
    expect(warnings.missing_auth).toEqual([]);
  }, 1_800_000);
});

/** `/openapi.json` with links to the operations that take a created ID in their body. */
async function describedWithBodyLinks(service: RunningService): Promise<unknown> {
  const { body } = await service.call("GET", "/openapi.json");
  const id = "$response.body#/id";
  const link = (path: string, status: number, operationId: string, requestBody: object) => {
    body.paths[path].post.responses[status].links[operationId] = { operationId, requestBody };
  };
  for (const [path, status] of [
    ["/v1/uploads/{id}/complete", 200],
    ["/v1/uploads/download", 201],
  ] as const) {
    link(path, status, "createInstruction", { pairs: [{ before: id, after: id }] });
    link(path, status, "createEdit", { images: [id] });
    link(path, status, "createBatch", { images: [id] });
  }
  for (const path of ["/v1/instructions", "/v1/instructions/import"])
    for (const operation of ["createEdit", "createBatch"]) link(path, 202, operation, { instruction: id });
  return body;
}

/** IDs of resources of each kind, so that requests reach more than a 404. */
async function resourcesOf(service: RunningService) {
  const create = async (path: string, body: unknown): Promise<string> => {
    const answer = await service.call("POST", path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.id;
  };
  const uploads = await Promise.all(
    [30, 60, 90, 120].map(async (red) => service.upload(await picture("png", { red }))),
  );
  const [before, after, spare] = uploads;
  const webhooks = [await create("/v1/webhooks", { url: "http://127.0.0.1:9/hook" })];
  const instructions = [await create("/v1/instructions", { pairs: [{ before, after }], steps: 2 })];
  const edit = () => create("/v1/edits", { text: "sepia", images: [spare], steps: 1 });
  const edits = await Promise.all([edit(), edit(), edit()]);
  const tokens = [await create("/v1/uploads/tokens", {})];
  const keys = [await create("/v1/keys", { scopes: ["read"] })];
  return { uploads, instructions, edits, webhooks, tokens, keys };
}

function configuration(resources: Awaited<ReturnType<typeof resourcesOf>>): string {
  const bindings = Object.keys(resources).map((name) => {
    const path = name === "tokens" ? "uploads/tokens" : name;
    return `[[operations]]
include-path-regex = "^/v1/${path}/[{]id[}]"
parameters = { "path.id" = { dictionary = "${name}", probability = 0.6 } }`;
  });
  const body = (operation: string, fields: Record<string, string>) => `[[operations]]
include-operation-id = "${operation}"
parameters = { ${Object.entries(fields)
    .map(([field, name]) => `"body.${field}" = { dictionary = "${name}", probability = 0.6 }`)
    .join(", ")} }`;
  return `seed = 14
workers = 1
continue-on-failure = true
request-timeout = 60
suppress-health-check = ["all"]

[cache]
enabled = false

[generation]
max-examples = 8
database = "none"
# Every request keeps the valid key.
with-security-parameters = false

# Rules beyond JSON Schema also refuse: one of several fields, from before to, a cursor of another list.
[checks.positive_data_acceptance]
enabled = false

[phases.examples]
extra-data-sources = { responses = false }

[phases.coverage]
extra-data-sources = { responses = false }

# An ID from a response could be that of the key or of the account, which would then be revoked.
[phases.fuzzing]
extra-data-sources = { responses = false }

# Only the document's links: others could lead from the key or the account to what would end them.
[phases.stateful]
inference = { algorithms = [] }

${Object.entries(resources)
  .map(([name, ids]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(ids)}`)
  .join("\n")}

# A stream stays open until its job ends.
[[operations]]
include-path-regex = "/events$"
enabled = false

${bindings.join("\n\n")}

${body("createInstruction", { "pairs[*].before": "uploads", "pairs[*].after": "uploads" })}

${body("createEdit", { "images[*]": "uploads", instruction: "instructions" })}

${body("createBatch", { "images[*]": "uploads", instruction: "instructions" })}
`;
}
