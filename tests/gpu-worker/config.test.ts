import { expect, it } from "vitest";
import { workerConfigSchema } from "../../gpu-worker/config.ts";

const environment = {
  AWS_REGION: "eu-central-1",
  VISII_BUCKET: "bucket",
  VISII_TABLE: "table",
  VISII_QUEUE_URLS: JSON.stringify({ interactive: "a", learning: "b", bulk: "c" }),
  VISII_SETTLEMENT_QUEUE_URL: "settlement",
  VISII_MODEL: "models/mini",
};
const messages = (device: string, precision: string) =>
  workerConfigSchema
    .safeParse({ ...environment, VISII_DEVICE: device, VISII_PRECISION: precision })
    .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

it("accepts 8 bits on a CPU only", () => {
  expect(messages("cpu", "int8")).toBeUndefined();
  expect(messages("cuda", "fp16")).toBeUndefined();
  expect(messages("cuda", "int8")).toEqual([
    "VISII_PRECISION: int8 requires the CPU; set VISII_DEVICE to cpu, or use fp32 or fp16",
  ]);
});
