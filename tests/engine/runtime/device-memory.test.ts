import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { defaultMemory, openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { deviceIdentity } from "../../../engine/runtime/device-identity.ts";
import { availableDeviceMemory } from "../../../engine/runtime/device-memory.ts";
import { openFixture } from "../networks/expected-values.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-smi-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => void vi.unstubAllEnvs());

/** A fake nvidia-smi that checks its arguments. */
async function pretend(script: string): Promise<void> {
  const path = join(folder, "nvidia-smi");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
}

it("is nine tenths of the free memory of the named GPU", async () => {
  await pretend('case "$*" in *--query-gpu=memory.free*--id=1) echo 15000;; *) echo 81000;; esac');
  expect(await availableDeviceMemory("cuda")).toBe(Math.floor(0.9 * 81_000 * 2 ** 20));
  expect(await availableDeviceMemory("cuda:1")).toBe(Math.floor(0.9 * 15_000 * 2 ** 20));
});

it.each(["echo '[N/A]'", "echo", "exit 9"])("is unknown if nvidia-smi: %s", async (script) => {
  await pretend(script);
  expect(await availableDeviceMemory("cuda")).toBeUndefined();
});

it("is not queried for other devices, and unknown without nvidia-smi", async () => {
  await pretend("echo 81000");
  expect(await availableDeviceMemory("cpu")).toBeUndefined();
  expect(await availableDeviceMemory("webgpu")).toBeUndefined();
  vi.stubEnv("PATH", join(folder, "nothing"));
  expect(await availableDeviceMemory("cuda")).toBeUndefined();
});

it("identifies a GPU by its model, its driver and the runtime", async () => {
  await pretend(
    'case "$*" in *--query-gpu=name,driver_version*--id=1) echo "NVIDIA L4, 570.1";; *) exit 9;; esac',
  );
  expect(await deviceIdentity("cuda:1")).toMatch(/^NVIDIA L4, 570\.1, onnxruntime \d+\.\d+\.\d+$/);
  expect(await deviceIdentity("cuda")).toBeUndefined();
  expect(await deviceIdentity("cpu")).toBeUndefined();
});

it("limits a pipeline on a GPU unless a limit is given", async () => {
  const { folder: model } = await openFixture("tiny-mini");
  const limit = async (options: Parameters<typeof openPipeline>[1]) => {
    const pipeline = await openPipeline(model, options);
    await pipeline.dispose();
    return pipeline.memory;
  };
  await pretend('case "$*" in *--id=1) echo 15000;; *) echo 81000;; esac');
  expect(await limit({ device: "cuda:1" })).toBe(Math.floor(0.9 * 15_000 * 2 ** 20));
  expect(await limit({ device: "cuda", memory: 7e9 })).toBe(7e9);
  expect(await limit({ device: "cpu" })).toBe(defaultMemory);
});
