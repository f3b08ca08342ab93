import { expect } from "vitest";
import { z } from "zod";
import { tableDefinition } from "../../shared/aws/dynamo-table-definition.ts";
import { lifetimes, objectKeys } from "../../shared/object-keys.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { allows, parsePolicy, type Statement } from "./iam.ts";

const day = 86_400;
const ruleSchema = z.object({
  status: z.literal("Enabled"),
  filter: z.object({ prefix: z.string() }),
  expiration: z.object({ days: z.number() }).optional(),
  noncurrentVersionExpiration: z.object({ noncurrentDays: z.number() }).optional(),
  abortIncompleteMultipartUpload: z.object({ daysAfterInitiation: z.number() }).optional(),
});
const lifecycle = (cloud: Cloud) =>
  z.array(ruleSchema).parse(cloud.one("s3/bucketLifecycleConfiguration").inputs.rules);

/** Days after which an object expires; undefined if it does not. */
const expiry = (cloud: Cloud, key: string): number | undefined =>
  lifecycle(cloud)
    .filter(({ filter, expiration }) => expiration && key.startsWith(filter.prefix))
    .map(({ expiration }) => expiration!.days)
    .sort((a, b) => a - b)[0];

const redriveSchema = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() });
const redrive = (cloud: Cloud, name: "interactive" | "learning" | "bulk") =>
  redriveSchema.parse(JSON.parse(String(cloud.queue(name).inputs.redrivePolicy)));
const names = ["interactive", "learning", "bulk"] as const;

export const storageChecks: Checks = {
  "every bucket rejects plain HTTP": (cloud) => {
    const buckets = cloud.all("s3/bucket");
    expect(buckets.length).toBeGreaterThan(0);
    for (const { state } of buckets) {
      const policy = cloud.all("s3/bucketPolicy").find(({ inputs }) => inputs.bucket === state.id);
      // A caller whose role allows everything; the bucket's policy must still deny.
      const owner: Statement = { Effect: "Allow", Action: ["s3:*"], Resource: ["*"] };
      const all = [owner, ...parsePolicy(policy?.inputs.policy ?? { Statement: [] })];
      for (const [action, resource] of [
        ["s3:GetObject", `${state.arn}/results/a`],
        ["s3:PutObject", `${state.arn}/uploads/a`],
        ["s3:ListBucket", state.arn],
      ] as const) {
        expect(allows(all, action, resource, { "aws:SecureTransport": "false" }), action).toBe(false);
        expect(allows(all, action, resource, { "aws:SecureTransport": "true" }), action).toBe(true);
      }
    }
  },
  "no bucket can be made public": (cloud) => {
    for (const { state } of cloud.all("s3/bucket")) {
      const block = cloud.all("s3/bucketPublicAccessBlock").find(({ inputs }) => inputs.bucket === state.id);
      expect(block?.inputs).toMatchObject({
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
    }
    for (const { inputs } of cloud.all("s3/bucketPolicy"))
      expect(parsePolicy(inputs.policy).filter(({ Effect }) => Effect === "Allow")).toEqual([]);
  },
  "incomplete uploads expire after a day": (cloud) => {
    expect(expiry(cloud, "uploads/acc_1/upl_1")).toBe(1);
  },
  "instructions, models and drops do not expire": (cloud) => {
    for (const key of ["instructions/a/b/instruction.visii", "models/m/1/unet.safetensors", "drops/a/b"])
      expect(expiry(cloud, key), key).toBeUndefined();
  },
  "results are kept for the longest retention of any plan": (cloud) => {
    expect(expiry(cloud, "results/acc_1/edt_1/000-0.jpg")).toBeGreaterThanOrEqual(
      lifetimes.longestResult / day,
    );
  },
  "inputs and batches are kept longer than any message": (cloud) => {
    for (const key of ["inputs/a/b", "batches/a/b/lines.jsonl"])
      expect(expiry(cloud, key)).toBe(lifetimes.input / day);
    expect(lifetimes.input).toBeGreaterThan(14 * day);
  },
  "normalized images expire after a day, also their versions": (cloud) => {
    const key = objectKeys.normalized("acc_1", "upl_1");
    expect(expiry(cloud, key)).toBe(1);
    const versions = lifecycle(cloud).flatMap(({ filter, noncurrentVersionExpiration }) =>
      key.startsWith(filter.prefix) && noncurrentVersionExpiration
        ? [noncurrentVersionExpiration.noncurrentDays]
        : [],
    );
    expect(Math.min(...versions)).toBe(1);
  },
  "incomplete multipart uploads are deleted": (cloud) => {
    expect(
      lifecycle(cloud).find(({ abortIncompleteMultipartUpload }) => abortIncompleteMultipartUpload),
    ).toMatchObject({ filter: { prefix: "" } });
  },
  "CORS allows GET, HEAD and POST from any origin, and no DELETE": (cloud) => {
    const { corsRules } = cloud.one("s3/bucketCorsConfiguration").inputs;
    expect(corsRules).toEqual([
      expect.objectContaining({ allowedOrigins: ["*"], allowedMethods: ["GET", "HEAD", "POST"] }),
    ]);
  },
  "the table has the keys and indexes of the test table": (cloud) => {
    const { inputs } = cloud.table;
    const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode } = tableDefinition("t");
    const [hash, range] = KeySchema ?? [];
    const [index] = GlobalSecondaryIndexes ?? [];
    expect(inputs).toMatchObject({
      hashKey: hash?.AttributeName,
      rangeKey: range?.AttributeName,
      billingMode: BillingMode,
      attributes: AttributeDefinitions?.map(({ AttributeName, AttributeType }) => ({
        name: AttributeName,
        type: AttributeType,
      })),
      globalSecondaryIndexes: [
        {
          name: index?.IndexName,
          hashKey: index?.KeySchema?.[0]?.AttributeName,
          rangeKey: index?.KeySchema?.[1]?.AttributeName,
          projectionType: index?.Projection?.ProjectionType,
        },
      ],
    });
  },
  "rows expire by the attribute that the code writes": (cloud) => {
    expect(cloud.table.inputs.ttl).toEqual({ attributeName: "expires", enabled: true });
  },
  "point-in-time recovery is enabled": (cloud) => {
    expect(cloud.table.inputs.pointInTimeRecovery).toEqual({ enabled: true });
  },
  "each queue has its own dead-letter queue": (cloud) => {
    for (const name of names)
      expect(redrive(cloud, name).deadLetterTargetArn).toBe(cloud.queue(name, "Dead").state.arn);
    expect(new Set(names.map((name) => cloud.queue(name, "Dead").state.arn)).size).toBe(3);
  },
  "visibility timeout and maximum receives are those of the worker's code": (cloud) => {
    for (const name of names) {
      expect(cloud.queue(name).inputs.visibilityTimeoutSeconds).toBe(queueTiming.visibility);
      expect(redrive(cloud, name).maxReceiveCount).toBe(queueTiming.maxReceives);
    }
  },
  "messages are kept for a week or more, dead letters at least as long": (cloud) => {
    for (const name of names) {
      const [live, dead] = [cloud.queue(name), cloud.queue(name, "Dead")].map(({ inputs }) =>
        Number(inputs.messageRetentionSeconds),
      );
      expect(live).toBeGreaterThanOrEqual(7 * day);
      // A message keeps its age when it moves to the dead-letter queue.
      expect(dead).toBeGreaterThanOrEqual(live!);
    }
  },
  "every dead-letter queue has a consumer with permission to receive": (cloud) => {
    const consumer = cloud.lambda("DeadLetters");
    for (const name of names) {
      const { arn } = cloud.queue(name, "Dead").state;
      const mapping = cloud
        .all("lambda/eventSourceMapping")
        .find(({ inputs }) => inputs.eventSourceArn === arn);
      expect(mapping?.inputs, name).toMatchObject({
        functionName: consumer.resource.state.arn,
        functionResponseTypes: ["ReportBatchItemFailures"],
      });
      for (const action of ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"])
        expect(allows(consumer.policy, `sqs:${action}`, arn), action).toBe(true);
      expect(allows(consumer.policy, "sqs:ReceiveMessage", cloud.queue(name).state.arn)).toBe(false);
      // Otherwise a dead letter is delivered again while it is handled.
      expect(cloud.queue(name, "Dead").inputs.visibilityTimeoutSeconds).toBeGreaterThanOrEqual(
        6 * Number(consumer.resource.inputs.timeout),
      );
    }
  },
};

/** For stages whose data must be kept. */
export const lastingChecks: Checks = {
  "`sst remove` keeps production's data": (cloud) => {
    expect(cloud.app).toMatchObject({ protect: true, removal: "retain" });
    for (const each of [cloud.bucket, cloud.table]) expect(each.options.retainOnDelete, each.name).toBe(true);
    expect(cloud.bucket.inputs.forceDestroy).toBe(false);
  },
  "the table has deletion protection": (cloud) => {
    expect(cloud.table.inputs.deletionProtectionEnabled).toBe(true);
  },
  "overwritten objects can be restored for 30 days": (cloud) => {
    expect(cloud.one("s3/bucketVersioning").inputs.versioningConfiguration).toEqual({ status: "Enabled" });
    for (const key of ["inputs/a/b", "results/a/b", "instructions/a/b", "drops/a/b"])
      expect(
        lifecycle(cloud).flatMap(({ filter, noncurrentVersionExpiration: rule }) =>
          rule && key.startsWith(filter.prefix) ? [rule] : [],
        ),
        key,
      ).toEqual([{ noncurrentDays: 30 }]);
  },
};

export const passingChecks: Checks = {
  "removing a development stage deletes everything": (cloud) => {
    expect(cloud.app).toMatchObject({ protect: false, removal: "remove" });
    expect(cloud.bucket.inputs.forceDestroy).toBe(true);
    expect(cloud.table.inputs.deletionProtectionEnabled).toBe(false);
    for (const { name, options } of cloud.resources) {
      // SST would keep source maps; there are none.
      expect(options.retainOnDelete, name).toBe(false);
      expect(options.protect, name).toBe(false);
    }
  },
};
