import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, test } from "vitest";
import { z } from "zod";
import { type Checks, Cloud } from "./cloud.ts";
import { toTemplate } from "./cloudformation.ts";
import { type Evaluated, evaluate, type Resource, root } from "./evaluate.ts";
import { gpuChecks, workerChecks } from "./worker-checks.ts";

/** Folder with cfn-lint and botocore, installed by `.ci/run` with `pip install --target`. */
const tools = process.env.VISII_AWS_TOOLS ?? "";
const hasTools = existsSync(join(tools, "bin", "cfn-lint"));

type Template = ReturnType<typeof toTemplate>;
/** Errors by resource name. */
type Complaints = ReadonlyMap<string, readonly string[]>;

const run = async (program: string, words: readonly string[]): Promise<string> => {
  try {
    return (
      await promisify(execFile)(program, words, {
        env: { ...process.env, PYTHONPATH: tools },
        maxBuffer: 1e8,
      })
    ).stdout;
  } catch (error) {
    // cfn-lint exits with an error if it found something, and prints it to stdout.
    const { stdout } = z.object({ stdout: z.string().min(1) }).parse(error);
    return stdout;
  }
};
const lintSchema = z.array(
  z.object({
    Level: z.string(),
    Rule: z.object({ Id: z.string() }),
    Message: z.string(),
    Location: z.object({ Path: z.array(z.union([z.string(), z.number()])).nullable() }),
  }),
);
const modelSchema = z.array(z.tuple([z.string(), z.string(), z.string()]));

async function judge(template: Template): Promise<{ readonly lint: Complaints; readonly model: Complaints }> {
  const folder = await mkdtemp(join(tmpdir(), "visii-template-"));
  const file = join(folder, "template.json");
  await writeFile(file, JSON.stringify(template));
  const grouped = (all: readonly (readonly [resource: string, complaint: string])[]): Complaints => {
    const complaints = new Map<string, string[]>();
    for (const [resource, complaint] of all)
      complaints.set(resource, [...(complaints.get(resource) ?? []), complaint]);
    return complaints;
  };
  try {
    const lint = run(join(tools, "bin", "cfn-lint"), [
      "--format",
      "json",
      "--regions",
      "us-east-1",
      "-t",
      file,
    ]);
    const model = run("python3", [join(root, "tests/infra/service-models.py"), file]);
    const found = lintSchema.parse(JSON.parse((await lint) || "[]"));
    return {
      lint: grouped(
        found
          // An unknown IAM action is only a warning.
          .filter(({ Level, Rule }) => Level === "Error" || Rule.Id === "W3037")
          .map(({ Location, Message }) => [String(Location.Path?.[1]), Message]),
      ),
      model: grouped(
        modelSchema
          .parse(JSON.parse(await model))
          .map(([resource, path, wrong]) => [resource, `${path}: ${wrong}`]),
      ),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** First layer that detects a fault: cfn-lint, botocore's service models, a check of the project, or only an account. */
type Layer = "cfn-lint" | "service model" | "an account" | `check: ${string}`;
const machines = "each pool has its own Spot machines and its own on-demand machines";
const confined = "containers run without root, capabilities and a writable root file system";
const checks: Checks = { ...workerChecks, ...gpuChecks };

/** Wrong values, each planted in one resource of the program. */
const faults: readonly (readonly [what: string, type: string, from: RegExp, to: string, layer: Layer])[] = [
  ["a statistic Max", "cloudwatch/metricAlarm", /"statistic":"Maximum"/, '"statistic":"Max"', "cfn-lint"],
  [
    "a statistic Mean in a query",
    "cloudwatch/metricAlarm",
    /"stat":"Maximum"/,
    '"stat":"Mean"',
    "an account",
  ],
  ["an alarm's period of 45 s", "cloudwatch/metricAlarm", /"period":60,/, '"period":45,', "cfn-lint"],
  ["a comparison Greater", "cloudwatch/metricAlarm", /GreaterThanThreshold/, "Greater", "cfn-lint"],
  ["missing data treated as fine", "cloudwatch/metricAlarm", /notBreaching/, "fine", "cfn-lint"],
  ["a message retention of 30 days", "sqs/queue", /1209600/, "2592000", "cfn-lint"],
  [
    "a long poll of a minute",
    "sqs/queue",
    /"receiveWaitTimeSeconds":20/,
    '"receiveWaitTimeSeconds":60',
    "cfn-lint",
  ],
  [
    "a log kept for 91 days",
    "cloudwatch/logGroup",
    /"retentionInDays":90/,
    '"retentionInDays":91',
    "cfn-lint",
  ],
  [
    "parallelization 40",
    "lambda/eventSourceMapping",
    /"parallelizationFactor":4/,
    '"parallelizationFactor":40',
    "cfn-lint",
  ],
  ["a stream position END", "lambda/eventSourceMapping", /LATEST/, "END", "cfn-lint"],
  [
    "a batching window of an hour",
    "lambda/eventSourceMapping",
    /"maximumBatchingWindowInSeconds":1,/,
    '"maximumBatchingWindowInSeconds":3600,',
    "cfn-lint",
  ],
  ["Node 21", "lambda/function", /nodejs22\.x/, "nodejs21.x", "cfn-lint"],
  ["a function timeout of half an hour", "lambda/function", /"timeout":60/, '"timeout":1800', "cfn-lint"],
  ["an unknown IAM action", "iam/role", /ecs:UpdateTaskProtection/, "ecs:ProtectTask", "cfn-lint"],
  [
    "an allocation strategy cheapest",
    "autoscaling/group",
    /capacity-optimized-prioritized/,
    "cheapest",
    `check: ${machines}`,
  ],
  [
    "120% on demand",
    "autoscaling/group",
    /"onDemandPercentageAboveBaseCapacity":100/,
    '"onDemandPercentageAboveBaseCapacity":120',
    `check: ${machines}`,
  ],
  [
    "metadata tokens wanted",
    "ec2/launchTemplate",
    /"httpTokens":"required"/,
    '"httpTokens":"wanted"',
    "cfn-lint",
  ],
  ["a volume type gp4", "ec2/launchTemplate", /"volumeType":"gp3"/, '"volumeType":"gp4"', "cfn-lint"],
  [
    "tag propagation from TASKS",
    "ecs/service",
    /"propagateTags":"SERVICE"/,
    '"propagateTags":"TASKS"',
    "cfn-lint",
  ],
  ["a placement strategy heaviest", "ecs/service", /binpack/, "heaviest", "cfn-lint"],
  ["a capability ALLES", "ecs/taskDefinition", /\\"ALL\\"/, '\\"ALLES\\"', `check: ${confined}`],
  [
    "managed draining ON",
    "ecs/capacityProvider",
    /"managedDraining":"ENABLED"/,
    '"managedDraining":"ON"',
    "cfn-lint",
  ],
  [
    "a firewall aggregating by NETWORK",
    "wafv2/webAcl",
    /"aggregateKeyType":"IP"/,
    '"aggregateKeyType":"NETWORK"',
    "cfn-lint",
  ],
];

describe.skipIf(!hasTools)("validation with AWS's models", () => {
  let production: Evaluated;
  beforeAll(async () => {
    production = await evaluate("production");
  });

  test("cfn-lint and the service models find no error", async () => {
    const template = toTemplate(production.resources);
    expect(Object.keys(template.Resources).length).toBeGreaterThan(75);
    const { lint, model } = await judge(template);
    expect([...lint, ...model]).toEqual([]);
  });

  describe("planted faults", () => {
    let verdict: Awaited<ReturnType<typeof judge>>;
    let planted: readonly { readonly found: Resource; readonly wrong: Resource }[];
    beforeAll(async () => {
      planted = faults.map(([what, type, from, to]) => {
        const found = production.resources.find(
          (each) => each.type.startsWith(`aws:${type}:`) && from.test(JSON.stringify(each.inputs)),
        );
        if (!found) throw new Error(`no ${type} can have ${what}`);
        const inputs = JSON.parse(JSON.stringify(found.inputs).replace(from, to)) as Resource["inputs"];
        return { found, wrong: { ...found, inputs } };
      });
      verdict = await judge(
        toTemplate(planted.map(({ wrong }, index) => ({ ...wrong, name: `Fault${index}` }))),
      );
    });

    it.each(faults.map(([what, , , , layer], index) => [what, layer, index] as const))(
      "%s is detected by %s",
      (_, layer, index) => {
        const name = `Fault${index}`;
        const detected = verdict.lint.has(name)
          ? "cfn-lint"
          : verdict.model.has(name)
            ? "service model"
            : "an account";
        const [, check] = /^check: (.*)$/.exec(layer) ?? [];
        expect(detected).toBe(check ? "an account" : layer);
        if (!check) return;
        const { found, wrong } = planted[index]!;
        const resources = production.resources.map((each) => (each === found ? wrong : each));
        expect(() => checks[check]!(new Cloud("production", { ...production, resources }))).toThrow();
      },
    );
  });
});
