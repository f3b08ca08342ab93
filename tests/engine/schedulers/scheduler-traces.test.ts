import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createScheduler,
  type SchedulerKind,
  schedulerKinds,
} from "../../../engine/schedulers/create-scheduler.ts";
import { makeNoiseSchedule } from "../../../engine/schedulers/noise-schedule.ts";
import type { PastStep } from "../../../engine/schedulers/scheduler.ts";
import { parseSchedulerConfig } from "../../../engine/schedulers/scheduler-config.ts";
import { openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { readIntegers } from "../weights/read-integers.ts";

const fixtures = join(import.meta.dirname, "../../fixtures/schedulers");
const read = async (name: string) => JSON.parse(await readFile(join(fixtures, name), "utf8"));
const configs: Record<string, unknown> = await read("configs.json");
const traces: { config: string; kind: SchedulerKind; steps: number }[] = await read("traces.json");
const file = await openSafetensors(join(fixtures, "traces.safetensors"));

/**
 * Against diffusers' own steps evaluated in float64, relative to the largest value; only the tables are
 * float32.
 */
const traceTolerance = 1e-5;
/**
 * The same for one step from the reference's sample: only the rounding of stored values and sigmas remains.
 */
const stepTolerance = 1e-6;
/** float32 tables and one rounding. */
const tableTolerance = 1e-6;
/**
 * Of √ᾱ, which multiplies latents of order 1. Equal to the last bit, except with zero terminal SNR: torch's
 * vectorized float32 square root is not correctly rounded, and it is amplified by a difference of nearly
 * equal numbers.
 */
const rootAlphaTolerance = 3e-7;

/** Samplers whose step depends on previous steps. */
const lookBack: readonly SchedulerKind[] = ["heun", "dpmpp-2m-karras", "unipc"];

/** Maximum first σ for which float32 is precise enough. */
const nearSigma = 100;

/** The largest difference, relative to the reference's largest value. */
function deviation(ours: ArrayLike<number>, reference: ArrayLike<number>): number {
  expect(ours.length).toBe(reference.length);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < reference.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - reference[i]!));
    scale = Math.max(scale, Math.abs(reference[i]!));
  }
  return scale === 0 ? difference : difference / scale;
}

async function traceOf(number: number) {
  const { config, kind, steps } = traces[number]!;
  const get = (name: string) => readTensor(file, `${number}.${name}`);
  const { length } = await get("timesteps");
  const rows = (flat: Float32Array) =>
    Array.from({ length }, (_, k) =>
      flat.subarray((k * flat.length) / length, ((k + 1) * flat.length) / length),
    );
  return {
    scheduler: createScheduler(kind, parseSchedulerConfig(configs[config], config), steps),
    start: await get("start"),
    timesteps: await get("timesteps"),
    initNoiseSigma: (await get("init_noise_sigma"))[0]!,
    outputs: rows(await get("outputs")),
    noises: rows(await get("noises")),
    scaled: rows(await get("scaled_in_double")),
    samples: rows(await get("samples_in_double")),
    samplesInFloat32: rows(await get("samples")),
  };
}

it("every sampler has a trace", () => {
  expect(new Set(traces.map(({ kind }) => kind))).toEqual(new Set(schedulerKinds));
});

describe("schedulers against diffusers", () => {
  it.each(traces.map((trace, number) => ({ ...trace, number })))(
    "$kind of $config, $steps steps, has the same trajectory",
    async ({ number }) => {
      const { scheduler, start, outputs, noises, scaled, samples, ...reference } = await traceOf(number);
      expect(deviation(scheduler.timesteps, reference.timesteps)).toBeLessThan(tableTolerance);
      expect(deviation([scheduler.initNoiseSigma], [reference.initNoiseSigma])).toBeLessThan(tableTolerance);
      let sample = start;
      const history: PastStep[] = [];
      for (let k = 0; k < samples.length; k++) {
        expect(deviation(scheduler.scaleModelInput(sample, k), scaled[k]!)).toBeLessThan(traceTolerance);
        sample = scheduler.step(outputs[k]!, k, sample, () => noises[k]!, history);
        expect(deviation(sample, samples[k]!), `step ${k}`).toBeLessThan(traceTolerance);
      }
    },
  );

  it.each(
    traces.map((trace, number) => ({ ...trace, number })).filter(({ kind }) => !lookBack.includes(kind)),
  )("$kind of $config, $steps steps, resumes at any step", async ({ number }) => {
    const { scheduler, start, outputs, noises, samples } = await traceOf(number);
    for (let k = samples.length - 1; k >= 0; k--) {
      const from = k === 0 ? start : samples[k - 1]!;
      const next = scheduler.step(outputs[k]!, k, from, () => noises[k]!);
      expect(deviation(next, samples[k]!), `step ${k}`).toBeLessThan(stepTolerance);
    }
  });

  it.each(traces.map((trace, number) => ({ ...trace, number })))(
    "$kind of $config, $steps steps, is as close to float64 diffusers as float32 diffusers is",
    async ({ number }) => {
      const { scheduler, start, outputs, noises, samples, samplesInFloat32 } = await traceOf(number);
      let sample = start;
      const history: PastStep[] = [];
      for (const [k, reference] of samplesInFloat32.entries()) {
        sample = scheduler.step(outputs[k]!, k, sample, () => noises[k]!, history);
        // From σ = 4096 (zero terminal SNR), say, diffusers subtracts numbers that large: up to 1e-4 of the
        // result is rounding.
        const rounding = deviation(reference, samples[k]!);
        if (scheduler.levels[0]!.noise < nearSigma * scheduler.levels[0]!.signal)
          expect(rounding).toBeLessThan(traceTolerance);
        expect(deviation(sample, reference), `step ${k}`).toBeLessThan(traceTolerance + rounding);
      }
    },
  );
});

describe.each(Object.keys(configs))("the noise schedule of %s", (name) => {
  const schedule = makeNoiseSchedule(parseSchedulerConfig(configs[name], name));
  const rows = 5;

  it("has diffusers' cumulative alphas", async () => {
    const reference = await readTensor(file, `${name}.alphas_cumprod`);
    for (const [t, value] of reference.entries())
      expect(Math.abs(Math.sqrt(schedule.alphasCumprod[t]!) - Math.sqrt(value)), `t = ${t}`).toBeLessThan(
        rootAlphaTolerance,
      );
    expect(schedule.snr(0)).toBeCloseTo(reference[0]! / (1 - reference[0]!), 0);
  });

  it("adds noise and computes velocities like diffusers", async () => {
    const timesteps = await readIntegers(file, `${name}.timesteps`);
    const [clean, noise, noisy, velocity] = await Promise.all(
      ["clean", "noise", "noisy", "velocity"].map((key) => readTensor(file, `${name}.${key}`)),
    );
    const width = clean!.length / rows;
    const asVelocity = makeNoiseSchedule({
      ...parseSchedulerConfig(configs[name], name),
      predictionType: "v_prediction",
    });
    for (const [row, t] of timesteps.entries()) {
      const part = (values: Float32Array) => values.subarray(row * width, (row + 1) * width);
      expect(deviation(schedule.addNoise(part(clean!), part(noise!), t), part(noisy!))).toBeLessThan(
        tableTolerance,
      );
      expect(deviation(asVelocity.target(part(clean!), part(noise!), t), part(velocity!))).toBeLessThan(
        tableTolerance,
      );
    }
  });
});

describe("the fixtures' models", () => {
  it.each(["tiny-ip2p", "tiny-mini"])("%s has the noise schedule of its expected losses", async (model) => {
    const folder = join(import.meta.dirname, "../../fixtures", model);
    const json = JSON.parse(await readFile(join(folder, "scheduler/scheduler_config.json"), "utf8"));
    const schedule = makeNoiseSchedule(parseSchedulerConfig(json, model));
    const expected = await openSafetensors(join(folder, "expected.safetensors"));
    for (const loss of ["0", "1"]) {
      const input = (key: string) => readTensor(expected, `inputs.loss.${loss}.${key}`);
      const output = (key: string) => readTensor(expected, `outputs.loss.${loss}.${key}`);
      const [t] = await readIntegers(expected, `inputs.loss.${loss}.timestep`);
      const [after, noise] = [await input("after"), await input("noise")];
      expect(deviation(schedule.addNoise(after, noise, t!), await output("noisy"))).toBeLessThan(
        tableTolerance,
      );
      expect(deviation(schedule.target(after, noise, t!), await output("target"))).toBeLessThan(
        tableTolerance,
      );
    }
  });
});
