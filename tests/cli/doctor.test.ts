import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { lastJson, runBin, tinyModel } from "./run-bin.ts";

const cwd = tmpdir();

it("visii doctor reports which devices work, what a model needs, and why another cannot be opened", async () => {
  const { code, stdout } = await runBin(["doctor", "--model", tinyModel, "--size", "64", "--json"], { cwd });
  expect(code).toBe(0);
  const { devices, models, memory } = lastJson(stdout) as {
    devices: Record<string, { works: boolean; reason?: string; deviation?: number; rates?: unknown }>;
    models: unknown[];
    memory: { total: number; available: number };
  };
  expect(devices.cpu).toMatchObject({ works: true, rates: { convolution: expect.any(Number) } });
  expect(devices.cpu!.deviation).toBeLessThan(1e-5);
  for (const device of [devices.webgpu!, devices.cuda!])
    expect(device.works || (device.reason ?? "").length > 10, JSON.stringify(device)).toBe(true);
  expect(memory.available).toBeLessThanOrEqual(memory.total);
  expect(models).toEqual([
    { name: tinyModel, steps: 20, needs: expect.objectContaining({ width: 64, learn: expect.anything() }) },
  ]);
}, 180_000);
