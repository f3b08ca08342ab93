import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Instruction, lossesOf } from "../../../engine/instruction/instruction.ts";
import type { ImagePair } from "../../../engine/inversion/image-pair.ts";
import { openRows } from "../../../engine/inversion/instruction-space.ts";
import { type InversionHooks, invert } from "../../../engine/inversion/invert.ts";
import type { InversionEvent } from "../../../engine/inversion/progress.ts";
import { type InversionOptions, resolveSettings } from "../../../engine/inversion/settings.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { decodeSafetensors } from "../../../engine/weights/decode-safetensors.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
});
afterAll(() => pipeline.dispose());

const before = drawImage(64, 32, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
const after = { ...before, data: before.data.map((x) => -x) };
const options: InversionOptions = {
  init: "a red apple",
  steps: 12,
  seed: 3,
  batchSize: 2,
  learningRate: 0.05,
  overrides: { samples: 8, validationSamples: 4, validationEvery: 4 },
};
const learn = (
  changes: Partial<InversionOptions> = {},
  hooks: InversionHooks = {},
  pairs: readonly ImagePair[] = [{ before, after }],
) => invert(pipeline, pairs, { ...options, ...changes }, hooks);

describe("invert", () => {
  it("lowers the validation loss below that of the init", async () => {
    const { info } = await learn({ steps: 40 });
    expect(lossesOf(info).bestStep).toBeGreaterThan(0);
    expect(lossesOf(info).validation).toBeLessThan(0.98 * lossesOf(info).initialValidation);
  });

  it("gives the same bits for the same seed, and different ones for another", async () => {
    const [first, second, other] = [await learn(), await learn(), await learn({ seed: 4 })];
    expect(second.tokens).toEqual(first.tokens);
    expect(second.info).toEqual(first.info);
    expect(other.tokens).not.toEqual(first.tokens);
  });

  it("stops between steps when aborted, and resumes to the same bits as an uninterrupted run", async () => {
    const whole = await learn();
    const abort = new AbortController();
    let saved: Uint8Array | undefined;
    const interrupted = learn(
      {},
      {
        signal: abort.signal,
        onEvent: ({ stage, step }) => {
          if (stage === "learn" && step === 5) abort.abort(new Error("that is enough"));
        },
        onCheckpoint: async (state) => {
          saved = state;
        },
      },
    );
    await expect(interrupted).rejects.toThrow("that is enough");
    const steps: number[] = [];
    const continued = await learn(
      {},
      {
        resume: Buffer.from(saved!),
        onEvent: ({ stage, step }) => void (stage === "learn" && steps.push(step)),
      },
    );
    expect(steps[0]).toBe(5);
    expect(continued.tokens).toEqual(whole.tokens);
    expect(continued.info).toEqual(whole.info);
  });

  it("rejects a state of other settings or images, and a damaged one", async () => {
    let saved = new Uint8Array();
    await learn(
      {},
      {
        checkpointEvery: 12,
        onCheckpoint: async (state) => {
          saved = Uint8Array.from(state);
        },
      },
    );
    await expect(learn({ seed: 9 }, { resume: saved })).rejects.toMatchObject({ code: "cannot_resume" });
    await expect(learn({}, { resume: saved }, [{ before: after, after: before }])).rejects.toMatchObject({
      code: "cannot_resume",
    });
    await expect(learn({}, { resume: saved.subarray(0, 100) })).rejects.toMatchObject({
      code: "cannot_resume",
    });
  });

  it("evaluates the frozen branches once for each sample, and differentiates only the text branch", async () => {
    const { counts } = (await learn({ textGuidance: 7.5, imageGuidance: 1.5 })).info;
    const updates = 12 * 2;
    const frozen = 2 * (8 + 4);
    const validations = (1 + 3) * 4;
    expect(counts).toEqual({ unetForwards: frozen + updates + validations, unetBackwards: updates });
  });

  it("prepares only the samples that a short run visits", async () => {
    const short = { textGuidance: 7.5, imageGuidance: 1.5, steps: 1, overrides: { samples: 8 } } as const;
    const { counts } = (await learn(short)).info;
    const [trained, validated] = [2, 1];
    expect(counts).toEqual({
      unetForwards: 2 * (trained + validated) + trained + 2 * validated,
      unetBackwards: trained,
    });
  });

  it.each([
    [1, 2, 1],
    [80, 1, 8],
    [300, 1, 16],
    [200, 2, 16],
  ])("validates %i steps of %i with %i samples", (steps, batchSize, samples) => {
    expect(resolveSettings(pipeline, { seed: 0, steps, batchSize }).validationSamples).toBe(samples);
  });

  it("estimates the remaining time after the first prepared sample", async () => {
    const left: number[] = [];
    const forwards = pipeline.unetForwards;
    // A clock that counts evaluations, of which the loss's own derivative is none: an estimate of 2.1 for a
    // step's 1.
    await learn(
      { textGuidance: 7.5, imageGuidance: 1.5 },
      {
        clock: () => pipeline.unetForwards,
        onEvent: ({ stage, etaSeconds }) =>
          void (stage === "prepare_samples" && etaSeconds !== undefined && left.push(etaSeconds)),
      },
    );
    const spent = pipeline.unetForwards - forwards;
    expect(left[0]).toBeGreaterThan(spent - 3);
    expect(left[0]).toBeLessThan(spent + 1.2 * 12 * 2);
  });

  it("excludes the first step's loading from the estimate", async () => {
    const left: number[] = [];
    let now = 0;
    await learn(
      { steps: 4 },
      {
        clock: () => now,
        onEvent: ({ stage, step, etaSeconds }) => {
          if (stage === "learn" && etaSeconds !== undefined) left.push(etaSeconds);
          now += stage === "learn" && step === 0 ? 100 : 2;
        },
      },
    );
    expect(left).toEqual([300, 4, 2, 0]);
  });

  it("returns the validated tokens of every Nth step, without an effect on the run", async () => {
    const states: Float32Array[] = [];
    const kept: Instruction[] = [];
    const { info } = await learn(
      { overrides: { ...options.overrides, validationEvery: 0 } },
      {
        keepEvery: 5,
        onKept: async (instruction) => void kept.push(instruction),
        checkpointEvery: 1,
        onCheckpoint: async (state) => {
          states.push(decodeSafetensors(state, "state").tensors.get("instruction")!);
        },
      },
    );
    const { curve } = lossesOf(info);
    expect(kept.map((one) => lossesOf(one.info).bestStep)).toEqual([5, 10]);
    for (const { tokens, info } of kept) {
      const { bestStep, validation } = lossesOf(info);
      expect(tokens).toEqual(states[bestStep - 1]);
      expect(validation).toBe(curve[bestStep - 1]!.validation);
    }
    expect(curve.map(({ loss }) => loss)).toEqual(
      lossesOf((await learn()).info).curve.map(({ loss }) => loss),
    );
  });

  it("runs the paper's loop on request: every timestep once, three branches per step", async () => {
    const { counts, hyperParameters, losses } = (
      await learn({ loop: "reference", steps: 6, overrides: { validationSamples: 2 } })
    ).info;
    expect(hyperParameters).toMatchObject({ loop: "reference", textGuidance: 7.5, imageGuidance: 1.5 });
    expect(counts.unetBackwards).toBe(6 * 2);
    expect(losses?.curve).toHaveLength(6);
  });

  it("keeps, in the paper's loop, the tokens of the lowest single-step loss", async () => {
    const after: Float32Array[] = [];
    const reference = { ...options, loop: "reference", overrides: { clipWeight: 0 } } as const;
    const kept = await learn(reference, {
      checkpointEvery: 1,
      onCheckpoint: async (state) => {
        after.push(decodeSafetensors(state, "state").tensors.get("instruction")!);
      },
    });
    const { curve, bestStep } = lossesOf(kept.info);
    const lowest = curve.reduce((best, point) => (point.loss < best.loss ? point : best));
    expect(bestStep).toBe(lowest.step - 1);
    expect(bestStep).toBeGreaterThan(0);
    expect(kept.tokens).toEqual(after[bestStep - 1]);
    const [one, init] = [
      await learn({ ...reference, steps: 1 }),
      await openRows(pipeline, { init: options.init!, space: "text" }),
    ];
    expect(one.tokens).toEqual(init.initial);
  });

  it("computes the same gradient with cached and recomputed branches", async () => {
    const guidance = { textGuidance: 4, imageGuidance: 1.5 };
    const cached = await learn(guidance);
    const recomputed = await learn({
      ...guidance,
      overrides: { ...options.overrides, frozenBranches: "recomputed" },
    });
    expect(recomputed.tokens).toEqual(cached.tokens);
    expect(recomputed.info.counts.unetForwards).toBeGreaterThan(cached.info.counts.unetForwards);
  });

  it("learns from several pairs, of several sizes", async () => {
    const small = drawImage(32, 32, (u, v) => u - v);
    const pairs = [
      { before, after },
      { before: small, after: { ...small, data: small.data.map((x) => -x) } },
    ];
    const { info } = await learn({}, {}, pairs);
    expect(info.hyperParameters.pairs).toBe(2);
    expect(lossesOf(info).validation).toBeLessThan(lossesOf(info).initialValidation);
  });

  it("reports stage, step, loss and remaining time, and previews on request", async () => {
    const events: InversionEvent[] = [];
    await learn({}, { previewEvery: 6, onEvent: (event) => void events.push(event) });
    expect([...new Set(events.map(({ stage }) => stage))]).toEqual(["prepare", "prepare_samples", "learn"]);
    const steps = events.filter(({ stage, step }) => stage === "learn" && step > 0);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(steps.every(({ loss, etaSeconds }) => Number.isFinite(loss) && etaSeconds! >= 0)).toBe(true);
    const previews = steps.flatMap(({ step, preview }) =>
      preview ? [[step, preview.width, preview.height]] : [],
    );
    expect(previews).toEqual([
      [6, 64, 32],
      [12, 64, 32],
    ]);
  });

  it("has the same result with previews", async () => {
    expect((await learn({}, { previewEvery: 3 })).tokens).toEqual((await learn()).tokens);
  });

  it.each([
    [{ steps: 0 }, /steps is 0/],
    [{ steps: 1.5 }, /steps is 1.5/],
    [{ seed: -1 }, /seed is -1/],
    [{ learningRate: Number.NaN }, /learning rate is NaN/],
    [{ learningRate: 0 }, /learning rate is 0; it must be above 0/],
    [{ batchSize: 0 }, /batch size is 0; it must be a whole number above 0/],
    [{ overrides: { clipWeight: -1 } }, /weight of L_clip is -1; it must be at least 0/],
    [{ space: "kv", overrides: { clipWeight: 0.1 } }, /weight of L_clip is 0.1; it must be 0 in kv space/],
    [{ textGuidance: Number.POSITIVE_INFINITY }, /text guidance is Infinity/],
    [{ init: "" }, /init text "" has no tokens/],
    [{ init: "word ".repeat(60) }, /too many tokens/],
  ] satisfies [Partial<InversionOptions>, RegExp][])(
    "refuses %o in one sentence",
    async (changes, message) => {
      await expect(learn(changes)).rejects.toThrow(message);
    },
  );

  it("rejects no pairs, pairs of unequal sizes, and sizes the model cannot halve", async () => {
    await expect(learn({}, {}, [])).rejects.toMatchObject({ code: "no_pairs" });
    await expect(learn({}, {}, [{ before, after: drawImage(32, 32, () => 0) }])).rejects.toThrow(
      /64×32.*32×32/,
    );
    const odd = drawImage(60, 30, () => 0);
    await expect(learn({}, {}, [{ before: odd, after: odd }])).rejects.toThrow(/multiples of 8/);
  });
});
