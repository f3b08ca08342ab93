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

/** A folder with cfn-lint and botocore, as `.ci/run` installs them (`pip install --target`). */
const tools = process.env.VISII_AWS_TOOLS ?? "";
const hasTools = existsSync(join(tools, "bin", "cfn-lint"));

type Template = ReturnType<typeof toTemplate>;
/** What is wrong, by the resource's name in the template. */
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
    // cfn-lint's exit code says whether it found something; what it found is on stdout.
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
          // An IAM action that does not exist is only warned of.
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

/** Who notices first: cfn-lint, botocore's service models, a sentence of this project, or nobody without an account. */
type Layer = "cfn-lint" | "service model" | "an account" | `sentence: ${string}`;
const machines =
  "each pool has machines of its own on Spot, and others on demand that come when Spot has none";
const confined = "containers are not root, gain nothing and cannot write their own file system";
const sentences: Checks = { ...workerChecks, ...gpuChecks };

/** A wrong value, planted in one resource of the program: its Pulumi type, where, and what. */
const faults: readonly (readonly [what: string, type: string, from: RegExp, to: string, layer: Layer])[] = [
  ["a statistic Max", "cloudwatch/metricAlarm", /"statistic":"Maximum"/, '"statistic":"Max"', "cfn-lint"],
  [
    "a statistic Mean of a query",
    "cloudwatch/metricAlarm",
    /"stat":"Maximum"/,
    '"stat":"Mean"',
    "an account",
  ],
  ["an alarm's period of 45 s", "cloudwatch/metricAlarm", /"period":60,/, '"period":45,', "cfn-lint"],
  ["a comparison Greater", "cloudwatch/metricAlarm", /GreaterThanThreshold/, "Greater", "cfn-lint"],
  ["missing data that is fine", "cloudwatch/metricAlarm", /notBreaching/, "fine", "cfn-lint"],
  ["a queue's delay of 30 days", "sqs/queue", /1209600/, "2592000", "cfn-lint"],
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
  ["a stream begun at the END", "lambda/eventSourceMapping", /LATEST/, "END", "cfn-lint"],
  [
    "a window of an hour",
    "lambda/eventSourceMapping",
    /"maximumBatchingWindowInSeconds":1,/,
    '"maximumBatchingWindowInSeconds":3600,',
    "cfn-lint",
  ],
  ["Node 21", "lambda/function", /nodejs22\.x/, "nodejs21.x", "cfn-lint"],
  ["half an hour of a function", "lambda/function", /"timeout":60/, '"timeout":1800', "cfn-lint"],
  ["an action that does not exist", "iam/role", /ecs:UpdateTaskProtection/, "ecs:ProtectTask", "cfn-lint"],
  [
    "a strategy cheapest",
    "autoscaling/group",
    /capacity-optimized-prioritized/,
    "cheapest",
    `sentence: ${machines}`,
  ],
  [
    "more than all on demand",
    "autoscaling/group",
    /"onDemandPercentageAboveBaseCapacity":100/,
    '"onDemandPercentageAboveBaseCapacity":120',
    `sentence: ${machines}`,
  ],
  [
    "a metadata token that is wanted",
    "ec2/launchTemplate",
    /"httpTokens":"required"/,
    '"httpTokens":"wanted"',
    "cfn-lint",
  ],
  ["a disk gp4", "ec2/launchTemplate", /"volumeType":"gp3"/, '"volumeType":"gp4"', "cfn-lint"],
  ["tags from TASKS", "ecs/service", /"propagateTags":"SERVICE"/, '"propagateTags":"TASKS"', "cfn-lint"],
  ["tasks laid by weight", "ecs/service", /binpack/, "heaviest", "cfn-lint"],
  ["a capability ALLES", "ecs/taskDefinition", /\\"ALL\\"/, '\\"ALLES\\"', `sentence: ${confined}`],
  [
    "draining that is ON",
    "ecs/capacityProvider",
    /"managedDraining":"ENABLED"/,
    '"managedDraining":"ON"',
    "cfn-lint",
  ],
  [
    "a firewall that counts NETWORKS",
    "wafv2/webAcl",
    /"aggregateKeyType":"IP"/,
    '"aggregateKeyType":"NETWORK"',
    "cfn-lint",
  ],
];

describe.skipIf(!hasTools)("AWS's own word on what is evaluated", () => {
  let production: Evaluated;
  beforeAll(async () => {
    production = await evaluate("production");
  });

  test("cfn-lint and the service models have nothing against it", async () => {
    const template = toTemplate(production.resources);
    expect(Object.keys(template.Resources).length).toBeGreaterThan(75);
    const { lint, model } = await judge(template);
    expect([...lint, ...model]).toEqual([]);
  });

  describe("of the wrong values planted,", () => {
    let verdict: Awaited<ReturnType<typeof judge>>;
    let planted: readonly { readonly found: Resource; readonly wrong: Resource }[];
    beforeAll(async () => {
      planted = faults.map(([what, type, from, to]) => {
        const found = production.resources.find(
          (each) => each.type.startsWith(`aws:${type}:`) && from.test(JSON.stringify(each.inputs)),
        );
        if (!found) throw new Error(`${what} finds no ${type} to be planted in`);
        const inputs = JSON.parse(JSON.stringify(found.inputs).replace(from, to)) as Resource["inputs"];
        return { found, wrong: { ...found, inputs } };
      });
      verdict = await judge(
        toTemplate(planted.map(({ wrong }, index) => ({ ...wrong, name: `Fault${index}` }))),
      );
    });

    it.each(faults.map(([what, , , , layer], index) => [what, layer, index] as const))(
      "%s is noticed by %s",
      (_, layer, index) => {
        const name = `Fault${index}`;
        const noticed = verdict.lint.has(name)
          ? "cfn-lint"
          : verdict.model.has(name)
            ? "service model"
            : "an account";
        const [, sentence] = /^sentence: (.*)$/.exec(layer) ?? [];
        expect(noticed).toBe(sentence ? "an account" : layer);
        if (!sentence) return;
        const { found, wrong } = planted[index]!;
        const resources = production.resources.map((each) => (each === found ? wrong : each));
        expect(() => sentences[sentence]!(new Cloud("production", { ...production, resources }))).toThrow();
      },
    );
  });
});
