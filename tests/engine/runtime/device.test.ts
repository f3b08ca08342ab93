import { describe, expect, test } from "vitest";
import { environmentFor, executionProvider, isDevice, kindOf } from "../../../engine/runtime/device.ts";

describe("a device's name", () => {
  test.each(["cpu", "webgpu", "cuda", "cuda:0", "cuda:11"])("may be %s", (name) => {
    expect(isDevice(name)).toBe(true);
  });
  test.each(["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "cuda:1 ", "cuda:1234"])(
    "is not '%s'",
    (name) => {
      expect(isDevice(name)).toBe(false);
    },
  );
  test("passes the GPU's number to onnxruntime, if there is one", () => {
    expect(executionProvider("cuda:2")).toEqual({ name: "cuda", deviceId: 2 });
    expect(executionProvider("cuda")).toBe("cuda");
    expect(kindOf("cuda:2")).toBe("cuda");
  });
});

test("TF32 is off for float32 on NVIDIA GPUs, and allowed for half precision", () => {
  expect(environmentFor("cuda:1", "fp32")).toEqual({ NVIDIA_TF32_OVERRIDE: "0" });
  expect(environmentFor("cuda", "fp16")).toEqual({});
  expect(environmentFor("cpu", "fp32")).toEqual({});
});
