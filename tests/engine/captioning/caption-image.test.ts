import { afterAll, beforeAll, expect, it } from "vitest";
import { captionLossGraph } from "../../../engine/captioning/caption-graphs.ts";
import { captionImage } from "../../../engine/captioning/caption-image.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
});
afterAll(() => pipeline.dispose());

const image = drawImage(64, 64, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));

it("finds a text nearer to the image than nearly all random texts of its length", async () => {
  const caption = await captionImage(pipeline, image, { seed: 1, tokens: 4, steps: 60 });
  const random = await Promise.all(
    Array.from({ length: 20 }, (_, seed) =>
      captionImage(pipeline, image, { seed: 100 + seed, tokens: 4, steps: 1 }),
    ),
  );
  const better = random.filter(({ similarity }) => similarity >= caption.similarity);
  expect(better.length).toBeLessThanOrEqual(1);
});

it("returns the same text for the same seed, in letters and spaces", async () => {
  const run = () => captionImage(pipeline, image, { seed: 2, tokens: 3, steps: 8 });
  const first = await run();
  expect(await run()).toEqual(first);
  expect(first.text).toMatch(/^[a-z]+( [a-z]+)*$/);
});

it("has the similarity's gradient of central differences", async () => {
  const { clip } = pipeline.model;
  const tokens = 3;
  const { hidden_size: width, max_position_embeddings: length } = clip!.config.text_config;
  const random = new SeededRandom(5, "caption gradient");
  const direction = random.normals(clip!.config.projection_dim);
  const norm = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
  const feeds = {
    bos: random.normals(width),
    content: random.normals(tokens * width),
    rest: random.normals((length - 1 - tokens) * width),
    image: direction.map((x) => x / norm),
  };
  const session = await pipeline.session("caption loss under test", () =>
    optimize(captionLossGraph(clip!, tokens)),
  );
  const { gradient } = await session.run(feeds);
  const step = 1e-2;
  const along = random.normals(tokens * width);
  const at = async (sign: number) => {
    const content = feeds.content.map((x, i) => x + sign * step * along[i]!);
    return 1 - (await session.run({ ...feeds, content })).similarity![0]!;
  };
  const measured = ((await at(1)) - (await at(-1))) / (2 * step);
  const predicted = along.reduce((sum, x, i) => sum + x * gradient![i]!, 0);
  // float32 similarities differ by 1e-7 at best: over 2·step that is 5e-6 of noise in the measured slope.
  expect(Math.abs(predicted - measured)).toBeLessThan(2e-4);
  expect(Math.abs(predicted)).toBeGreaterThan(2e-3);
});

it("stops when aborted", async () => {
  const abort = new AbortController();
  const run = captionImage(
    pipeline,
    image,
    { seed: 1, tokens: 3, steps: 50 },
    {
      signal: abort.signal,
      onEvent: ({ step }) => {
        if (step === 2) abort.abort(new Error("stop"));
      },
    },
  );
  await expect(run).rejects.toThrow("stop");
});
