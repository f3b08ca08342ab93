import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";
import { secretAppears } from "./edge-checks.ts";
import { evaluate, root } from "./evaluate.ts";
import { allows } from "./iam.ts";

const billingKey = "sk_live_51SentinelOfTheTests";

describe("with what a deployer tells", () => {
  let cloud: Cloud;
  beforeAll(async () => {
    const environment = {
      SST_SECRET_StripeKey: billingKey,
      VISII_DOMAIN: "api.example.org",
      VISII_ALARM_EMAIL: "ops@example.org",
      VISII_WORKER_IMAGE: `registry.example/worker@sha256:${"1".repeat(64)}`,
      VISII_BUDGET_OF: "stage",
    };
    cloud = new Cloud("production", await evaluate("production", { environment }));
  });

  test("no secret stands in any resource's environment, nor anywhere else in the open", () => {
    expect(secretAppears(cloud, billingKey)).toEqual([]);
    // And the looking finds what is there.
    const { name } = cloud.bucket;
    expect(secretAppears(cloud, String(cloud.bucket.state.id))).toContain(
      `aws:s3/bucketPolicy:BucketPolicy StorePolicy`,
    );
    expect(name).toBe("StoreBucket");
  });

  test("the billing key reaches those who tell the meter", () => {
    const links = cloud.builds.find(({ functionID }) => functionID === "SweepHandler")?.links;
    expect(links?.StripeKey).toMatchObject({ value: billingKey });
  });

  test("the router answers to one's own domain, with a certificate for it", () => {
    expect(cloud.one("cloudfront/distribution").inputs).toMatchObject({
      aliases: ["api.example.org"],
      viewerCertificate: { minimumProtocolVersion: "TLSv1.2_2021" },
    });
    expect(cloud.one("acm/certificate").inputs.domainName).toBe("api.example.org");
    expect(cloud.lambda("Api").environment.VISII_PUBLIC_URL).toBe("https://api.example.org");
  });

  test("alarms are sent to the address that was told", () => {
    expect(cloud.one("sns/topicSubscription").inputs).toMatchObject({
      ...{ protocol: "email", endpoint: "ops@example.org", topic: cloud.one("sns/topic").state.arn },
    });
  });

  test("an image that was built elsewhere is run, and none is built", () => {
    expect(cloud.resources.filter(({ type }) => type.startsWith("docker-build:"))).toEqual([]);
    for (const { worker } of cloud.tasks)
      expect(worker.image).toBe(`registry.example/worker@sha256:${"1".repeat(64)}`);
  });

  test("ECS is allowed no registry of AWS where the image lies in another", () => {
    for (const { resource } of cloud.tasks) {
      const policy = cloud.policyOf(cloud.byArn(resource.inputs.executionRoleArn));
      expect(policy.flatMap(({ Action }) => Action).filter((action) => action.startsWith("ecr:"))).toEqual(
        [],
      );
    }
  });

  test("the budget counts what has both tags of the stage", () => {
    expect(cloud.one("budgets/budget").inputs.filterExpression).toEqual({
      ands: [
        { tags: { key: "project", values: ["visii"] } },
        { tags: { key: "stage", values: ["production"] } },
      ],
    });
  });
});

test("an image in another account's ECR is pulled by right, and only that one", async () => {
  const environment = {
    VISII_WORKER_IMAGE: `210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/worker@sha256:${"2".repeat(64)}`,
  };
  const cloud = new Cloud("dev", await evaluate("dev", { environment }));
  const policy = cloud.policyOf(cloud.byArn(cloud.tasks[0]!.resource.inputs.executionRoleArn));
  const repository = "arn:aws:ecr:eu-west-1:210987654321:repository/team/worker";
  expect(allows(policy, "ecr:BatchGetImage", repository)).toBe(true);
  expect(allows(policy, "ecr:BatchGetImage", `${repository}/other`)).toBe(false);
});

test("a word that the budget does not know is refused by name", async () => {
  await expect(evaluate("dev", { environment: { VISII_BUDGET_OF: "satge" } })).rejects.toThrow(
    'VISII_BUDGET_OF is "satge"; it must be account or stage.',
  );
});

test("sst.config.ts is a table of contents: forty lines, and nothing imported before SST says so", () => {
  const lines = readFileSync(`${root}/sst.config.ts`, "utf8").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(40);
  expect(lines.filter((line) => /^import\b/.test(line))).toEqual([]);
});
