import { mean } from "../../engine/evaluation/bootstrap.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { openCase } from "../../engine/evaluation/open-case.ts";
import { learn } from "../../engine/learn.ts";
import { forwardUnet } from "../../engine/pipeline/forward-unet.ts";
import type { ModelFolder } from "../../engine/pipeline/model-folder.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { fuseAttention } from "../../engine/rewrite/fuse-attention.ts";
import { Session } from "../../engine/runtime/session.ts";
import { meanPsnrToTruth } from "./measure-case.ts";
import { leastProcessorSeconds } from "./time.ts";

interface Int8Figures {
  /** Processor seconds of one UNet evaluation on one thread. */
  readonly fp32: number;
  readonly int8: number;
  /** Root mean square of the difference, relative to that of the float32 prediction. */
  readonly error: number;
}

/** One UNet evaluation in float32 and in 8 bits, in turn in one process, on one thread. */
export async function benchInt8(
  model: ModelFolder,
  side: number,
  repeats: number,
  say: (line: string) => void,
): Promise<Int8Figures> {
  const size = { batch: 1, height: side, width: side, learnedRows: 0 };
  const random = new SeededRandom(1, "bench int8");
  const sessions: Session[] = [];
  let feeds: Record<string, Float32Array> = {};
  for (const precision of ["fp32", "int8"] as const) {
    const graph = fuseAttention(forwardUnet({ ...model, precision }, size));
    if (precision === "fp32")
      feeds = Object.fromEntries(
        graph.inputs.map(({ name, shape }) => [
          name,
          name === "timesteps" ? Float32Array.of(600) : random.normals(shape.reduce((a, b) => a * b, 1)),
        ]),
      );
    sessions.push(await Session.create(graph, { device: "cpu", threads: 1, root: model.folder }));
  }
  const predictions: Float32Array[] = [];
  const run = (index: number) => async () => {
    predictions[index] = (await sessions[index]!.run(feeds)).prediction!;
  };
  const [fp32, int8] = (await leastProcessorSeconds([run(0), run(1)], repeats)) as [number, number];
  for (const session of sessions) await session.dispose();
  const [expected, actual] = predictions as [Float32Array, Float32Array];
  const power = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0);
  const error = Math.sqrt(power(expected.map((x, i) => x - actual[i]!)) / power(expected));
  say(
    `one UNet evaluation, ${side} × ${side} latents, one thread: ${fp32.toFixed(3)} s, in 8 bits ${int8.toFixed(3)} s: ratio ${(int8 / fp32).toFixed(2)}; error ${(100 * error).toFixed(1)}%`,
  );
  return { fp32, int8, error };
}

export const int8Cases: readonly string[] = [
  "fog",
  "ink-navy",
  "night",
  "painting-19",
  "sketch-sepia",
  "teal-orange-duotone",
  "vignette",
  "watercolor-wet",
];
const photosPerCase = 4;

interface Int8Edits {
  readonly case: string;
  /** Mean PSNR in dB to the true edit. */
  readonly fp32: number;
  readonly int8: number;
}

/** Edits of each case's first photos with the pair encoder's instruction, in float32 and in 8 bits. */
export async function benchInt8Edits(
  fp32: Pipeline,
  int8: Pipeline,
  cases: readonly CaseFiles[],
  say: (line: string) => void,
): Promise<Int8Edits[]> {
  const found: Int8Edits[] = [];
  for (const files of cases) {
    const whole = await openCase(files);
    const opened = { ...whole, tests: whole.tests.slice(0, photosPerCase) };
    const { instruction } = await learn(fp32, [opened.pairs[0]], { steps: 0, seed: 0 });
    const psnrOf = (pipeline: Pipeline) => meanPsnrToTruth(pipeline, opened, { instruction }, { seed: 0 });
    const one = { case: opened.name, fp32: await psnrOf(fp32), int8: await psnrOf(int8) };
    found.push(one);
    say(`  ${one.case}: ${one.fp32.toFixed(2)} dB, in 8 bits ${(one.int8 - one.fp32).toFixed(2)} dB`);
  }
  say(`  mean: ${mean(found.map(({ fp32, int8 }) => int8 - fp32)).toFixed(2)} dB`);
  return found;
}
