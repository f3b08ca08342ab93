import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";
import { secretAppears } from "./edge-checks.ts";
import { evaluate, root } from "./evaluate.ts";

const billingKey = "sk_live_51SentinelOfTheTests";

describe("with what a deployer tells", () => {
  let cloud: Cloud;
  beforeAll(async () => {
    const environment = {
      SST_SECRET_StripeKey: billingKey,
      VISII_DOMAIN: "api.example.org",
      VISII_ALARM_EMAIL: "ops@example.org",
      VISII_WORKER_IMAGE: `registry.example/worker@sha256:${"1".repeat(64)}`,
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
});

test("sst.config.ts is a table of contents: forty lines, and nothing imported before SST says so", () => {
  const lines = readFileSync(`${root}/sst.config.ts`, "utf8").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(40);
  expect(lines.filter((line) => /^import\b/.test(line))).toEqual([]);
});
