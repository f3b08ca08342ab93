import { lifetimes } from "../shared/object-keys.ts";
import { stage } from "./stage.ts";

/** The prefixes of `shared/object-keys.ts`, and `models/`, written by `publish-model`. */
type Prefix =
  | "uploads"
  | "inputs"
  | "normalized"
  | "instructions"
  | "results"
  | "drops"
  | "batches"
  | "models";

const days = (count: number): `${number} days` => `${count} days`;
const inputDays = days(lifetimes.input / 86_400);

/**
 * The bucket of all objects. Instructions and models do not expire; other prefixes do. Accounts delete their
 * own objects under `drops/`.
 */
export const bucket = new sst.aws.Bucket("Store", {
  // Any origin may upload, because each form has a signed policy.
  cors: {
    allowOrigins: ["*"],
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ["*"],
    exposeHeaders: ["ETag"],
    maxAge: "1 day",
  },
  // The sweeper deletes results according to the account's plan; these rules are a fallback.
  lifecycle: [
    { id: "uploads", prefix: "uploads/", expiresIn: "1 day" },
    { id: "inputs", prefix: "inputs/", expiresIn: inputDays },
    { id: "normalized", prefix: "normalized/", expiresIn: days(lifetimes.normalized / 86_400) },
    { id: "batches", prefix: "batches/", expiresIn: inputDays },
    { id: "results", prefix: "results/", expiresIn: days(lifetimes.longestResult / 86_400) },
  ],
  // Deleted and overwritten objects can be restored for a month.
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
        {
          // They can be created again.
          id: "normalized-remains",
          status: "Enabled",
          filter: { prefix: "normalized/" },
          noncurrentVersionExpiration: { noncurrentDays: 1 },
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
/** Without this permission, S3 returns 403 instead of 404 for a missing object. */
export const listObjects = { actions: ["s3:ListBucket"], resources: [bucket.arn] };
