import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { parseJson } from "../shared/json.ts";

const policySchema = z.object({
  expiration: z.iso.datetime(),
  conditions: z.array(
    z.union([
      z.tuple([z.literal("content-length-range"), z.number(), z.number()]),
      z.tuple([z.enum(["eq", "starts-with"]), z.string(), z.string()]),
      z.record(z.string(), z.string()),
    ]),
  ),
});

/**
 * Returns why S3 would reject a form upload, or undefined if it would accept it (AWS: "Creating an HTML form
 * using SigV4").
 */
export function refuseForm(
  fields: ReadonlyMap<string, string>,
  fileBytes: number,
  secretAccessKey: string,
  now: number,
): string | undefined {
  const policy = fields.get("policy") ?? "";
  const [, date = "", region = "", service = ""] = (fields.get("x-amz-credential") ?? "").split("/");
  const expected = sign(policy, [`AWS4${secretAccessKey}`, date, region, service, "aws4_request"]);
  const given = Buffer.from(fields.get("x-amz-signature") ?? "");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "SignatureDoesNotMatch";
  const parsed = policySchema.safeParse(parseJson(Buffer.from(policy, "base64").toString("utf8")));
  if (!parsed.success) return "InvalidPolicyDocument";
  if (Date.parse(parsed.data.expiration) < now) return "AccessDenied: the policy has expired";
  for (const condition of parsed.data.conditions) {
    const refusal = Array.isArray(condition)
      ? condition[0] === "content-length-range"
        ? refuseSize(fileBytes, condition[1], condition[2])
        : refuseField(fields, condition[1].replace(/^\$/, ""), condition[2], condition[0])
      : Object.entries(condition).reduce<string | undefined>(
          (found, [name, value]) => found ?? refuseField(fields, name, value, "eq"),
          undefined,
        );
    if (refusal) return refusal;
  }
  return undefined;
}

function refuseSize(bytes: number, smallest: number, largest: number): string | undefined {
  if (bytes < smallest) return "EntityTooSmall";
  return bytes > largest ? "EntityTooLarge" : undefined;
}

function refuseField(
  fields: ReadonlyMap<string, string>,
  name: string,
  value: string,
  test: "eq" | "starts-with",
): string | undefined {
  if (name === "bucket") return undefined;
  const given = fields.get(name.toLowerCase());
  const holds = test === "eq" ? given === value : given?.startsWith(value);
  return holds ? undefined : `AccessDenied: ${name} does not meet the policy`;
}

function sign(text: string, [secret, ...scope]: readonly string[]): Buffer {
  const key = scope.reduce<string | Buffer>(
    (signing, part) => createHmac("sha256", signing).update(part).digest(),
    secret ?? "",
  );
  return Buffer.from(createHmac("sha256", key).update(text).digest("hex"));
}
