import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";
import { secretAppears } from "./edge-checks.ts";
import { evaluate, root } from "./evaluate.ts";
import { allows } from "./iam.ts";

const billingKey = "sk_live_51SentinelOfTheTests";

describe("with the deployer's variables", () => {
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

  test("no resource contains a secret", () => {
    expect(secretAppears(cloud, billingKey)).toEqual([]);
    // The search finds values that are there.
    const { name } = cloud.bucket;
    expect(secretAppears(cloud, String(cloud.bucket.state.id))).toContain(
      `aws:s3/bucketPolicy:BucketPolicy StorePolicy`,
    );
    expect(name).toBe("StoreBucket");
  });

  test("the sweeper gets the billing key", () => {
    const links = cloud.builds.find(({ functionID }) => functionID === "SweepHandler")?.links;
    expect(links?.StripeKey).toMatchObject({ value: billingKey });
  });

  test("the router has the domain and a certificate", () => {
    expect(cloud.one("cloudfront/distribution").inputs).toMatchObject({
      aliases: ["api.example.org"],
      viewerCertificate: { minimumProtocolVersion: "TLSv1.2_2021" },
    });
    expect(cloud.one("acm/certificate").inputs.domainName).toBe("api.example.org");
    expect(cloud.lambda("Api").environment.VISII_PUBLIC_URL).toBe("https://api.example.org");
  });

  test("alarms are sent to the e-mail address", () => {
    expect(cloud.one("sns/topicSubscription").inputs).toMatchObject({
      protocol: "email",
      endpoint: "ops@example.org",
      topic: cloud.one("sns/topic").state.arn,
    });
  });

  test("workers run the given image, and none is built", () => {
    expect(cloud.resources.filter(({ type }) => type.startsWith("docker-build:"))).toEqual([]);
    for (const { worker } of cloud.tasks)
      expect(worker.image).toBe(`registry.example/worker@sha256:${"1".repeat(64)}`);
  });

  test("an image outside ECR needs no ECR permissions", () => {
    for (const { resource } of cloud.tasks) {
      const policy = cloud.policyOf(cloud.byArn(resource.inputs.executionRoleArn));
      expect(policy.flatMap(({ Action }) => Action).filter((action) => action.startsWith("ecr:"))).toEqual(
        [],
      );
    }
  });

  test("the budget covers resources with both tags of the stage", () => {
    expect(cloud.one("budgets/budget").inputs.filterExpression).toEqual({
      ands: [
        { tags: { key: "project", values: ["visii"] } },
        { tags: { key: "stage", values: ["production"] } },
      ],
    });
  });
});

test("ECS may pull an image from another account's ECR, and only from its repository", async () => {
  const environment = {
    VISII_WORKER_IMAGE: `210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/worker@sha256:${"2".repeat(64)}`,
  };
  const cloud = new Cloud("dev", await evaluate("dev", { environment }));
  const policy = cloud.policyOf(cloud.byArn(cloud.tasks[0]!.resource.inputs.executionRoleArn));
  const repository = "arn:aws:ecr:eu-west-1:210987654321:repository/team/worker";
  expect(allows(policy, "ecr:BatchGetImage", repository)).toBe(true);
  expect(allows(policy, "ecr:BatchGetImage", `${repository}/other`)).toBe(false);
});

test("an invalid VISII_BUDGET_OF is rejected with its name", async () => {
  await expect(evaluate("dev", { environment: { VISII_BUDGET_OF: "satge" } })).rejects.toThrow(
    'VISII_BUDGET_OF is "satge"; it must be account or stage.',
  );
});

test("sst.config.ts has at most forty lines and no static imports", () => {
  const lines = readFileSync(`${root}/sst.config.ts`, "utf8").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(40);
  expect(lines.filter((line) => /^import\b/.test(line))).toEqual([]);
});
