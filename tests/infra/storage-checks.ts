import { expect } from "vitest";
import { z } from "zod";
import { tableDefinition } from "../../shared/aws/dynamo-table-definition.ts";
import { lifetimes } from "../../shared/object-keys.ts";
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

/** Days after which an object is gone; undefined when it stays. */
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
  "every bucket refuses plain HTTP": (cloud) => {
    const buckets = cloud.all("s3/bucket");
    expect(buckets.length).toBeGreaterThan(0);
    for (const { state } of buckets) {
      const policy = cloud.all("s3/bucketPolicy").find(({ inputs }) => inputs.bucket === state.id);
      // Whoever asks is allowed everything by a role of theirs; the bucket's own word comes on top.
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
  "no bucket can become public": (cloud) => {
    for (const { state } of cloud.all("s3/bucket")) {
      const block = cloud.all("s3/bucketPublicAccessBlock").find(({ inputs }) => inputs.bucket === state.id);
      expect(block?.inputs).toMatchObject({
        ...{ blockPublicAcls: true, blockPublicPolicy: true },
        ...{ ignorePublicAcls: true, restrictPublicBuckets: true },
      });
    }
    for (const { inputs } of cloud.all("s3/bucketPolicy"))
      expect(parsePolicy(inputs.policy).filter(({ Effect }) => Effect === "Allow")).toEqual([]);
  },
  "an upload that nobody completes is gone in a day": (cloud) => {
    expect(expiry(cloud, "uploads/acc_1/upl_1")).toBe(1);
  },
  "instructions, weights and what accounts drop stay": (cloud) => {
    for (const key of ["instructions/a/b/instruction.visii", "models/m/1/unet.safetensors", "drops/a/b"])
      expect(expiry(cloud, key), key).toBeUndefined();
  },
  "a result lives as long as the longest plan promises": (cloud) => {
    expect(expiry(cloud, "results/acc_1/edt_1/000-0.jpg")).toBeGreaterThanOrEqual(
      lifetimes.longestResult / day,
    );
  },
  "inputs and batches outlive every job that may need them": (cloud) => {
    for (const key of ["inputs/a/b", "batches/a/b/lines.jsonl"])
      expect(expiry(cloud, key)).toBe(lifetimes.input / day);
    expect(lifetimes.input).toBeGreaterThan(14 * day);
  },
  "the rest of a broken upload is not paid for": (cloud) => {
    expect(
      lifecycle(cloud).find(({ abortIncompleteMultipartUpload }) => abortIncompleteMultipartUpload),
    ).toMatchObject({ filter: { prefix: "" } });
  },
  "a signed form can be posted from any page, and nothing deleted": (cloud) => {
    const { corsRules } = cloud.one("s3/bucketCorsConfiguration").inputs;
    expect(corsRules).toEqual([
      expect.objectContaining({ allowedOrigins: ["*"], allowedMethods: ["GET", "HEAD", "POST"] }),
    ]);
  },
  "the table is the one that the tests use": (cloud) => {
    const { inputs } = cloud.table;
    const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode } = tableDefinition("t");
    const [hash, range] = KeySchema ?? [];
    const [index] = GlobalSecondaryIndexes ?? [];
    expect(inputs).toMatchObject({
      ...{ hashKey: hash?.AttributeName, rangeKey: range?.AttributeName, billingMode: BillingMode },
      attributes: AttributeDefinitions?.map(({ AttributeName, AttributeType }) => ({
        ...{ name: AttributeName, type: AttributeType },
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
  "rows forget themselves by the attribute that the adapter writes": (cloud) => {
    expect(cloud.table.inputs.ttl).toEqual({ attributeName: "expires", enabled: true });
  },
  "the table can be taken back to any second of the last weeks": (cloud) => {
    expect(cloud.table.inputs.pointInTimeRecovery).toEqual({ enabled: true });
  },
  "each queue has a dead-letter queue of its own": (cloud) => {
    for (const name of names)
      expect(redrive(cloud, name).deadLetterTargetArn).toBe(cloud.queue(name, "Dead").state.arn);
    expect(new Set(names.map((name) => cloud.queue(name, "Dead").state.arn)).size).toBe(3);
  },
  "visibility and redelivery are the numbers that the worker uses": (cloud) => {
    for (const name of names) {
      expect(cloud.queue(name).inputs.visibilityTimeoutSeconds).toBe(queueTiming.visibility);
      expect(redrive(cloud, name).maxReceiveCount).toBe(queueTiming.maximumReceives);
    }
  },
  "no message is forgotten while there is no capacity, and no dead one before the living": (cloud) => {
    for (const name of names) {
      const [live, dead] = [cloud.queue(name), cloud.queue(name, "Dead")].map(({ inputs }) =>
        Number(inputs.messageRetentionSeconds),
      );
      expect(live).toBeGreaterThanOrEqual(7 * day);
      // A message's age goes on when it moves.
      expect(dead).toBeGreaterThanOrEqual(live!);
    }
  },
  "every dead-letter queue has a consumer that may take from it": (cloud) => {
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
      // Else a dead letter comes again while it is dealt with.
      expect(cloud.queue(name, "Dead").inputs.visibilityTimeoutSeconds).toBeGreaterThanOrEqual(
        6 * Number(consumer.resource.inputs.timeout),
      );
    }
  },
};

/** Where data must outlive mistakes. */
export const lastingChecks: Checks = {
  "production survives `sst remove`": (cloud) => {
    expect(cloud.app).toMatchObject({ protect: true, removal: "retain" });
    for (const each of [cloud.bucket, cloud.table]) expect(each.options.retainOnDelete, each.name).toBe(true);
    expect(cloud.bucket.inputs.forceDestroy).toBe(false);
  },
  "the table refuses to be deleted": (cloud) => {
    expect(cloud.table.inputs.deletionProtectionEnabled).toBe(true);
  },
  "an instruction written over can be had back for a month": (cloud) => {
    expect(cloud.one("s3/bucketVersioning").inputs.versioningConfiguration).toEqual({ status: "Enabled" });
    const kept = lifecycle(cloud).flatMap(({ noncurrentVersionExpiration: rule }) => (rule ? [rule] : []));
    expect(kept).toEqual([{ noncurrentDays: 30 }]);
  },
};

export const passingChecks: Checks = {
  "a development stage leaves nothing behind": (cloud) => {
    expect(cloud.app).toMatchObject({ protect: false, removal: "remove" });
    expect(cloud.bucket.inputs.forceDestroy).toBe(true);
    expect(cloud.table.inputs.deletionProtectionEnabled).toBe(false);
    for (const { name, options } of cloud.resources) {
      // SST keeps its sourcemaps, of which there are none.
      expect(options.retainOnDelete, name).toBe(false);
      expect(options.protect, name).toBe(false);
    }
  },
};
