import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createScheduler, schedulerKinds } from "../../../engine/schedulers/create-scheduler.ts";
import { makeNoiseSchedule } from "../../../engine/schedulers/noise-schedule.ts";
import { parseSchedulerConfig, readSchedulerConfig } from "../../../engine/schedulers/scheduler-config.ts";

const parse = (json: unknown) => parseSchedulerConfig(json, "scheduler_config.json");

describe("a scheduler_config.json", () => {
  it("of the fixtures is read from its folder", async () => {
    const config = await readSchedulerConfig(join(import.meta.dirname, "../../fixtures/tiny-ip2p/scheduler"));
    expect(config).toEqual({
      trainTimesteps: 1000,
      betas: { schedule: "scaled_linear", start: 0.00085, end: 0.012 },
      predictionType: "epsilon",
      timestepSpacing: "leading",
      stepsOffset: 1,
      zeroTerminalSnr: false,
      setAlphaToOne: true,
      consistency: { originalSteps: 50, timestepScaling: 10 },
    });
  });

  it("has diffusers' defaults for missing keys", () => {
    expect(parse({})).toMatchObject({
      trainTimesteps: 1000,
      betas: { schedule: "linear", start: 0.0001, end: 0.02 },
      predictionType: "epsilon",
      stepsOffset: 0,
      zeroTerminalSnr: false,
      setAlphaToOne: true,
    });
    expect(createScheduler("euler-ancestral", parse({}), 3).timesteps).toEqual([999, 499.5, 0]);
    expect(createScheduler("ddim", parse({}), 3).timesteps).toEqual([666, 333, 0]);
  });

  it("clips DDIM's estimate if set, or by default in a DDIM config", () => {
    expect(parse({ clip_sample: true, clip_sample_range: 2 }).clipSampleRange).toBe(2);
    expect(parse({ _class_name: "DDIMScheduler" }).clipSampleRange).toBe(1);
    expect(parse({ _class_name: "DDIMScheduler", clip_sample: false }).clipSampleRange).toBeUndefined();
    expect(parse({ _class_name: "EulerAncestralDiscreteScheduler" }).clipSampleRange).toBeUndefined();
  });

  it("may have private keys and those of other samplers", () => {
    const json = {
      _class_name: "DPMSolverMultistepScheduler",
      _anything: { at: "all" },
      solver_order: 2,
      skip_prk_steps: true,
      use_karras_sigmas: false,
      sigma_min: null,
    };
    expect(parse(json).trainTimesteps).toBe(1000);
  });

  it.each([
    ["thresholding", { thresholding: true }],
    ["use_karras_sigmas", { use_karras_sigmas: true }],
    ["final_sigmas_type", { final_sigmas_type: "sigma_min" }],
    ["beta_schedule", { beta_schedule: "sigmoid" }],
    ["prediction_type", { prediction_type: "flow_prediction" }],
    ["timestep_spacing", { timestep_spacing: "log" }],
    ["num_train_timesteps", { num_train_timesteps: 0 }],
    ["beta_end", { beta_end: Number.NaN }],
    ["trained_betas", { trained_betas: [0.1, 0.2] }],
    ["toString", { toString: true }],
    ["invented_key", { invented_key: 1 }],
  ])("with an unsupported %s is rejected by name", (key, json) => {
    expect(() => parse(json)).toThrow(new RegExp(`^scheduler_config\\.json: ${key} .*\\.$`));
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: "unsupported_scheduler" }));
  });

  it("that is missing or invalid is reported with its path", async () => {
    const folder = await mkdtemp(join(tmpdir(), "visii-scheduler-"));
    await expect(readSchedulerConfig(folder)).rejects.toThrow(/scheduler_config\.json cannot be read/);
    await writeFile(join(folder, "scheduler_config.json"), "[");
    await expect(readSchedulerConfig(folder)).rejects.toThrow(/is not valid JSON/);
    await rm(folder, { recursive: true });
    expect(() => parse([])).toThrow(/not a JSON object/);
  });
});

describe("a scheduler", () => {
  it.each([0, -1, 2.5, 1001, Number.NaN])("of %s steps is rejected", (steps) => {
    for (const kind of schedulerKinds)
      expect(() => createScheduler(kind, parse({}), steps)).toThrow(
        expect.objectContaining({ name: "VisibleError", code: "invalid_steps" }),
      );
  });

  it("uses only noise levels of the training", () => {
    const config = parse({ timestep_spacing: "leading", steps_offset: 1 });
    for (const kind of ["euler-ancestral", "ddim"] as const) {
      const { timesteps } = createScheduler(kind, config, 1000);
      expect(Math.max(...timesteps)).toBe(999);
    }
  });

  it("has the requested number of steps, with decreasing timesteps", () => {
    for (const timestep_spacing of ["leading", "linspace", "trailing"])
      for (const kind of schedulerKinds)
        for (let steps = 2; steps <= (kind === "lcm" ? 50 : 120); steps++) {
          const { timesteps, levels } = createScheduler(kind, parse({ timestep_spacing }), steps);
          expect(timesteps).toHaveLength(kind === "heun" ? 2 * steps - 1 : steps);
          expect(levels).toHaveLength(timesteps.length + 1);
          // Two of Karras's levels may be nearest to the same timestep, and Heun evaluates twice at one.
          const twice = kind === "heun" || kind === "dpmpp-2m-karras";
          const falls = (t: number, before: number) => t < before || (twice && t === before);
          expect(
            timesteps.every((t, k) => k === 0 || falls(t, timesteps[k - 1]!)),
            `${kind} ${steps}`,
          ).toBe(true);
        }
  });

  it("starts at the noise level of its first timestep and ends without noise", () => {
    const config = parse({ beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012 });
    const { alphasCumprod } = makeNoiseSchedule(config);
    for (const kind of schedulerKinds) {
      const { timesteps, levels } = createScheduler(kind, config, 10);
      const { signal, noise } = levels[0]!;
      const alphaBar = alphasCumprod[timesteps[0]!]!;
      expect((signal / noise) ** 2, kind).toBeCloseTo(alphaBar / (1 - alphaBar), 6);
      expect(levels.at(-1), kind).toEqual({ signal: 1, noise: 0 });
    }
  });

  it.each([
    [
      "dpmpp-2m-karras",
      1,
      {},
      /^dpmpp-2m-karras is a multistep sampler and needs at least 2 steps, not 1\.$/,
    ],
    ["unipc", 1, {}, /^unipc is a multistep sampler and needs at least 2 steps, not 1\.$/],
    ["unipc", 1000, {}, /steps are 1000; use a whole number from 1 to 999/],
    ["heun", 4, { rescale_betas_zero_snr: true }, /^heun does not support rescale_betas_zero_snr/],
    ["lcm", 51, {}, /^lcm supports at most 50 steps \(original_inference_steps\), not 51\.$/],
    ["lcm", 4, { num_train_timesteps: 20 }, /^lcm cannot take 50 original_inference_steps from 20 timesteps/],
    [
      "lcm",
      4,
      { rescale_betas_zero_snr: true },
      /^lcm cannot use rescale_betas_zero_snr with prediction_type epsilon/,
    ],
  ] as const)("by %s in %d steps of %o is rejected in one sentence", (kind, steps, json, sentence) => {
    expect(() => createScheduler(kind, parse(json), steps)).toThrow(sentence);
    expect(() => createScheduler(kind, parse(json), steps)).toThrow(
      expect.objectContaining({ name: "VisibleError" }),
    );
  });

  it("by Euler-ancestral takes noise for every step but the last", () => {
    const scheduler = createScheduler("euler-ancestral", parse({}), 2);
    const sample = Float32Array.of(1, 2);
    expect(() => scheduler.step(sample, 0, sample)).toThrow(/internal: euler-ancestral step 0 needs noise/);
    for (const kind of ["euler-ancestral", "lcm"] as const)
      expect(() =>
        createScheduler(kind, parse({}), 2).step(sample, 0, sample, () => Float32Array.of(1)),
      ).toThrow(/noise of 1 elements for 2/);
    expect([...scheduler.step(sample, 1, sample)].every(Number.isFinite)).toBe(true);
  });

  it("by DDIM rejects a step from pure noise", () => {
    const config = parse({ rescale_betas_zero_snr: true, prediction_type: "epsilon" });
    expect(() => createScheduler("ddim", config, 4)).toThrow(
      /rescale_betas_zero_snr with prediction_type epsilon/,
    );
    expect(createScheduler("euler-ancestral", config, 4).timesteps).toHaveLength(4);
  });

  it("throws an internal error for a step out of range or sizes that differ", () => {
    const scheduler = createScheduler("ddim", parse({}), 2);
    expect(() => scheduler.step(Float32Array.of(1), 2, Float32Array.of(1))).toThrow(
      /internal: ddim has no step 2 of 2/,
    );
    expect(() => scheduler.step(Float32Array.of(1), 0, Float32Array.of(1, 2))).toThrow(/1 elements for 2/);
  });
});
