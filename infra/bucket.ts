import { lifetimes } from "../shared/object-keys.ts";
import { stage } from "./stage.ts";

/** The folders of `shared/object-keys.ts`, and `models/`, which the deployer fills. */
export type Prefix = "uploads" | "inputs" | "instructions" | "results" | "drops" | "batches" | "models";

const days = (count: number): `${number} days` => `${count} days`;
const inputDays = days(lifetimes.input / 86_400);

/**
 * Every object there is. Instructions and models stay; what else a prefix holds goes when nobody can need it any more. Objects
 * that accounts drop for their batches are theirs to take away.
 */
export const bucket = new sst.aws.Bucket("Store", {
  // Pages and phones of anybody post here; what a form may hold stands in its signed policy.
  cors: {
    allowOrigins: ["*"],
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ["*"],
    exposeHeaders: ["ETag"],
    maxAge: "1 day",
  },
  // Results go when their plan says, by the sweeper; here goes what it forgot.
  lifecycle: [
    { id: "uploads", prefix: "uploads/", expiresIn: "1 day" },
    { id: "inputs", prefix: "inputs/", expiresIn: inputDays },
    { id: "batches", prefix: "batches/", expiresIn: inputDays },
    { id: "results", prefix: "results/", expiresIn: days(lifetimes.longestResult / 86_400) },
  ],
  // What is deleted or written over by mistake can be had back for a month.
  versioning: stage.lasting,
  transform: {
    bucket: { forceDestroy: !stage.lasting },
    lifecycle: (args) => {
      args.rules = $output(args.rules).apply((rules) => [
        ...(rules ?? []),
        {
          id: "remains",
          status: "Enabled",
          filter: { prefix: "" },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
          noncurrentVersionExpiration: { noncurrentDays: 30 },
        },
      ]);
    },
  },
});

const objects = (prefixes: readonly Prefix[]) =>
  prefixes.map((prefix) => $interpolate`${bucket.arn}/${prefix}/*`);

export const readObjects = (...prefixes: readonly Prefix[]) => ({
  actions: ["s3:GetObject"],
  resources: objects(prefixes),
});
export const writeObjects = (...prefixes: readonly Prefix[]) => ({
  actions: ["s3:PutObject"],
  resources: objects(prefixes),
});
export const deleteObjects = (...prefixes: readonly Prefix[]) => ({
  actions: ["s3:DeleteObject"],
  resources: objects(prefixes),
});
/** To whoever may not list it, S3 calls a missing object forbidden; the code must know the one from the other. */
export const listObjects = { actions: ["s3:ListBucket"], resources: [bucket.arn] };
