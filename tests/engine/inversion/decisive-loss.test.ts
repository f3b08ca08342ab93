import { expect, it } from "vitest";
import { lossesOf } from "../../../engine/instruction/instruction.ts";
import { openRows } from "../../../engine/inversion/instruction-space.ts";
import { InversionLoss } from "../../../engine/inversion/inversion-loss.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import { drawValidationSamples, type Sample } from "../../../engine/inversion/samples.ts";
import { resolveSettings } from "../../../engine/inversion/settings.ts";
import { guidedPrediction } from "../../../engine/pipeline/guidance.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { makeNoiseSchedule, type NoiseSchedule } from "../../../engine/schedulers/noise-schedule.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";

const before = drawImage(64, 64, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
const after = { ...before, data: before.data.map((x) => -x) };
const options = {
  init: "a red apple",
  seed: 3,
  steps: 30,
  learningRate: 0.05,
  batchSize: 2,
  overrides: { samples: 8, validationSamples: 8, validationEvery: 10 },
} as const;

/** v by its definition, from the model's own kind of prediction at z_t. */
function velocity({ alphasCumprod, predictionType }: NoiseSchedule, { timestep, noisy }: Sample) {
  const alphaBar = alphasCumprod[timestep]!;
  const [signal, noise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
  return (prediction: number, i: number): number => {
    if (predictionType === "v_prediction") return prediction;
    const epsilon = predictionType === "epsilon" ? prediction : (noisy[i]! - signal * prediction) / noise;
    const clean = predictionType === "sample" ? prediction : (noisy[i]! - noise * prediction) / signal;
    return signal * epsilon - noise * clean;
  };
}

/** The mean error of v over the samples with more noise than signal. */
async function errorOfVelocity(pipeline: Pipeline, samples: readonly Sample[], tokens: Float32Array) {
  const schedule = makeNoiseSchedule(pipeline.model.scheduler);
  const settings = resolveSettings(pipeline, options);
  const rows = await openRows(pipeline, settings);
  const noisy = samples.filter(({ timestep }) => schedule.snr(timestep) < 1);
  const errors: number[] = [];
  for (const sample of noisy) {
    const { height, width, data } = sample.pair.before;
    const prediction = await guidedPrediction(
      pipeline,
      { latents: sample.noisy, image: data, timesteps: Float32Array.of(sample.timestep), height, width },
      rows.conditioning(tokens),
      { text: settings.textGuidance, image: settings.imageGuidance },
    );
    const v = velocity(schedule, sample);
    const squares = [...prediction].map((e, i) => (v(e, i) - v(sample.target[i]!, i)) ** 2);
    errors.push(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  }
  return { count: noisy.length, mean: errors.reduce((sum, error) => sum + error, 0) / errors.length };
}

it.each([
  ["tiny-ip2p", "epsilon"],
  ["tiny-mini", "v_prediction"],
] as const)(
  "the warning about a run compares errors of v where an edit is decided, %s (%s)",
  async (name, kind) => {
    const pipeline = await openPipeline((await openFixture(name)).folder, { device: "cpu" });
    expect(pipeline.model.scheduler.predictionType).toBe(kind);
    const settings = resolveSettings(pipeline, options);
    const pair = {
      before: await pipeline.encodeImage(before),
      after: pipeline.scaleLatents(await pipeline.encodeImage(after)),
    };
    const schedule = makeNoiseSchedule(pipeline.model.scheduler);
    const samples = drawValidationSamples([pair], schedule, settings.validationSamples, settings.seed);
    const rows = await openRows(pipeline, settings);
    const expected = await errorOfVelocity(pipeline, samples, rows.initial);
    expect(expected.count).toBeGreaterThan(2);
    expect(expected.count).toBeLessThan(samples.length);
    const loss = new InversionLoss(pipeline, settings, rows, undefined);
    const { decisive } = await loss.validate(samples, rows.initial);
    expect(decisive! / expected.mean).toBeCloseTo(1, 4);

    const made = await invert(pipeline, [{ before, after }], options);
    const found = lossesOf(made.info).decisive!;
    expect(found.words).toBe(decisive);
    const learned = await errorOfVelocity(pipeline, samples, made.tokens);
    expect(found.learned / learned.mean).toBeCloseTo(1, 4);
    expect(found.learned).toBeLessThan(found.words);
    await pipeline.dispose();
  },
);
