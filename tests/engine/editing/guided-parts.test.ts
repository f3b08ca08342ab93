import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { editFitted, editTogether, type FittedEditOptions } from "../../../engine/editing/edit.ts";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import type { RgbImage } from "../../../engine/images/rgb-image.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { schedulerKinds } from "../../../engine/schedulers/create-scheduler.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";

let pipeline: Pipeline;
/** The image after encoding and decoding. */
let kept: RgbImage;
beforeAll(async () => {
  pipeline = await openPipeline((await openFixture("tiny-ip2p")).folder, { device: "cpu" });
  kept = await pipeline.decodeLatents(await pipeline.encodeImage(image));
});
afterAll(() => pipeline.dispose());

const image = drawImage(64, 128, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
const run = async (options: Partial<FittedEditOptions> = {}): Promise<RgbImage> => {
  const [result] = await editFitted(
    pipeline,
    [image],
    { text: "a red apple" },
    { steps: 4, seed: 5, ...options },
  );
  return result!;
};
const refusal = async (options: Partial<FittedEditOptions>): Promise<string> =>
  run(options).then(
    () => "no refusal",
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe("negative words", () => {
  it("replace the unconditional text: the empty text changes nothing, others do", async () => {
    const plain = await run();
    const [negated, opposite] = [await run({ negative: "blue" }), await run({ negative: "a red apple" })];
    expect(relativeDeviation(negated.data, plain.data)).toBeGreaterThan(0.01);
    expect(relativeDeviation(opposite.data, negated.data)).toBeGreaterThan(0.01);
    // If the negative prompt equals the prompt, text guidance has nothing to amplify.
    const stronger = await run({ negative: "a red apple", textGuidance: 3 });
    expect(relativeDeviation(stronger.data, opposite.data)).toBeLessThan(1e-3);
  });

  it("are rejected if they would change nothing or do not fit", async () => {
    expect(await refusal({ negative: "blue", textGuidance: 1, imageGuidance: 1 })).toBe(
      "VisibleError: A negative prompt has no effect at text guidance 1 and image guidance 1; raise the text guidance.",
    );
    expect(await refusal({ negative: "blue ".repeat(90) })).toMatch(/tokens long, but there is room for 75/);
  });
});

describe("strength", () => {
  it("takes fewer steps, starting nearer to the photo", async () => {
    const forwards = async (strength: number) => {
      const before = pipeline.unetForwards;
      await run({ strength, steps: 4 });
      return pipeline.unetForwards - before;
    };
    expect([await forwards(1), await forwards(0.5), await forwards(0.25)]).toEqual([12, 6, 3]);
    const closeness = await Promise.all(
      [1, 0.6, 0.2].map(async (strength) =>
        psnr(await run({ strength, steps: 10, textGuidance: 1.5, imageGuidance: 1 }), kept),
      ),
    );
    expect(closeness[2]).toBeGreaterThan(closeness[1]! + 1);
    expect((await run({ strength: 1 })).data).toEqual((await run()).data);
  });

  it.each([
    [0, "The strength is 0; it must be above 0 and at most 1."],
    [1.5, "The strength is 1.5; it must be above 0 and at most 1."],
    [Number.NaN, "The strength is NaN; it must be above 0 and at most 1."],
    [0.2, "Strength 0.2 leaves none of the 4 sampling steps; raise the strength or the steps."],
  ])("of %s is rejected", async (strength, sentence) => {
    expect(await refusal({ strength })).toBe(`VisibleError: ${sentence}`);
  });
});

describe("a guidance interval", () => {
  const counted = async (options: Partial<FittedEditOptions>) => {
    const before = pipeline.unetForwards;
    const { data } = await run(options);
    return { data, forwards: pipeline.unetForwards - before };
  };

  it.each([
    ["the steps inside", {}, [0.25, 0.75], 3 * 2 + 2],
    ["whole steps only", {}, [0.4, 0.9], 3 * 2 + 2],
    ["both evaluations of a step of Heun's solver", { scheduler: "heun" }, [0.25, 0.5], 3 * 2 + 5],
    ["steps that a strength leaves", { strength: 0.5 }, [0, 0.75], 3 + 1],
    ["the same fraction of more steps", { steps: 10 }, [0.3, 0.7], 3 * 4 + 6],
  ] as const)("guides %s, and evaluates one branch elsewhere", async (_, options, guidanceInterval, most) => {
    expect((await counted({ ...options, guidanceInterval })).forwards).toBe(most);
  });

  it.each(schedulerKinds)(
    "gives full guidance if it is whole, and none if it is empty, bit for bit, by %s",
    async (scheduler) => {
      const full = await counted({ scheduler });
      const single = await counted({ scheduler, textGuidance: 1, imageGuidance: 1 });
      expect(full.forwards).toBe(3 * single.forwards);
      expect(await counted({ scheduler, guidanceInterval: [0, 1] })).toEqual(full);
      for (const at of [0, 0.5, 1])
        expect(await counted({ scheduler, guidanceInterval: [at, at] })).toEqual(single);
      const [early, late] = [
        await counted({ scheduler, guidanceInterval: [0, 0.5] }),
        await counted({ scheduler, guidanceInterval: [0.5, 1] }),
      ];
      expect(early.forwards + late.forwards).toBe(full.forwards + single.forwards);
      expect(relativeDeviation(early.data, late.data)).toBeGreaterThan(0.01);
    },
  );

  it("is the same for an image of a batch", async () => {
    const options = { steps: 4, guidanceInterval: [0.25, 0.75], textGuidance: 3 } as const;
    const items = [image, image].map((one) => ({ image: one, seed: 5 }));
    const [first] = await editTogether(pipeline, items, { text: "a red apple" }, options);
    expect(relativeDeviation(first!.data, (await run(options)).data)).toBeLessThan(1e-3);
  });

  it.each<[Partial<FittedEditOptions>, string]>([
    ...(
      [
        [0.8, 0.2],
        [-0.1, 0.5],
        [0, 1.5],
        [Number.NaN, 1],
      ] as const
    ).map((guidanceInterval): [Partial<FittedEditOptions>, string] => [
      { guidanceInterval },
      `The guidance interval is ${guidanceInterval.join(",")}; it must be two numbers from 0 to 1, the first at most the second.`,
    ]),
    [
      { guidanceInterval: [0.3, 0.4] },
      "Guidance interval 0.3,0.4 contains none of the sampling steps that run; widen it or raise the steps (4).",
    ],
    [
      { guidanceInterval: [0, 0.5], strength: 0.25 },
      "Guidance interval 0,0.5 contains none of the sampling steps that run; widen it or raise the steps (4).",
    ],
    [
      { guidanceInterval: [0.5, 0.5], negative: "blue" },
      "A negative prompt has no effect in the empty guidance interval 0.5,0.5; widen it.",
    ],
  ])("%o is rejected", async (options, sentence) => {
    expect(await refusal(options)).toBe(`VisibleError: ${sentence}`);
  });
});

describe("a mask", () => {
  /** The lower half is edited. */
  const mask = Float32Array.from({ length: image.width * image.height }, (_, at) =>
    at < (image.width * image.height) / 2 ? 0 : 1,
  );
  /**
   * Latents of the result and of the photo in a range of rows. Latents are compared, because an autoencoder
   * mixes distant pixels.
   */
  const latentRows = async (options: Partial<FittedEditOptions>, from: number, to: number) => {
    const decode = vi.spyOn(pipeline, "decodeLatents");
    await run({ mask, ...options });
    const [made] = decode.mock.lastCall!;
    decode.mockRestore();
    const photo = await pipeline.encodeImage(image);
    return [made, photo].map(({ data, width, height, channels }) =>
      Float32Array.from(
        Array.from({ length: channels }, (_, c) => [
          ...data.subarray((c * height + from) * width, (c * height + to) * width),
        ]).flat(),
      ),
    ) as [Float32Array, Float32Array];
  };

  it.each(schedulerKinds)("keeps the outside and edits the inside, by %s", async (scheduler) => {
    expect(relativeDeviation(...(await latentRows({ scheduler }, 0, 7)))).toBeLessThan(1e-6);
    expect(relativeDeviation(...(await latentRows({ scheduler }, 9, 16)))).toBeGreaterThan(0.1);
  });

  it("that is all white changes nothing", async () => {
    const white = new Float32Array(mask.length).fill(1);
    expect(relativeDeviation((await run({ mask: white })).data, (await run()).data)).toBeLessThan(1e-5);
  });

  it("works with strength and with fresh noise", async () => {
    const options = { strength: 0.5, noise: "fresh" } as const;
    expect(relativeDeviation(...(await latentRows(options, 0, 7)))).toBeLessThan(1e-6);
  });
});
