import { GraphBuilder } from "../../engine/graph/graph-builder.ts";
import { estimateMemory } from "../../engine/graph/memory-estimate.ts";
import type { Value } from "../../engine/graph/value.ts";
import { multiHeadAttention } from "../../engine/networks/attention.ts";
import { unetGraph } from "../../engine/pipeline/forward-graphs.ts";
import type { ModelFolder } from "../../engine/pipeline/model-folder.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { fuseAttention } from "../../engine/rewrite/fuse-attention.ts";
import { type OptimizedGraph, optimize } from "../../engine/rewrite/optimize.ts";
import { Session } from "../../engine/runtime/session.ts";
import { leastProcessorSeconds } from "./time.ts";

/** One attention layer: its query and key tokens, its heads, and the width of a head. */
interface AttentionShape {
  readonly name: string;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly width: number;
}

const of = (name: string, queries: number, keys: number, heads: number, width: number): AttentionShape => ({
  name,
  queries,
  keys,
  heads,
  width,
});

/** Stable Diffusion 1.5 at 512 px, then the bundled model at 256 px. */
const shapes: readonly AttentionShape[] = [
  of("self, 64 × 64, 8 heads of 40", 4096, 4096, 8, 40),
  of("self, 32 × 32, 8 heads of 80", 1024, 1024, 8, 80),
  of("self, 16 × 16, 8 heads of 160", 256, 256, 8, 160),
  of("text, 64 × 64, 8 heads of 40", 4096, 77, 8, 40),
  of("text, 32 × 32, 8 heads of 80", 1024, 77, 8, 80),
  of("autoencoder, 64 × 64, 1 head of 512 (not fused)", 4096, 4096, 1, 512),
  of("bundled model: self, 32 × 32, 4 heads of 24", 1024, 1024, 4, 24),
  of("bundled model: self, 16 × 16, 4 heads of 32", 256, 256, 4, 32),
  of("bundled model: text, 32 × 32, 4 heads of 24", 1024, 77, 4, 24),
];

interface AttentionFigures {
  readonly name: string;
  /** Processor seconds on one thread. */
  readonly separate: number;
  readonly fused: number;
  /** Largest absolute difference of the results, which are of order 1. */
  readonly difference: number;
}

/**
 * Fused attention against products and softmax, in turn in one process, on one thread of a CPU. Processor
 * seconds depend little on other processes.
 */
export async function benchAttention(say: (line: string) => void): Promise<AttentionFigures[]> {
  const figures: AttentionFigures[] = [];
  for (const { name, queries, keys, heads, width } of shapes) {
    const graph = (fused: boolean): OptimizedGraph => {
      const builder = new GraphBuilder("attention");
      const input = (letter: string, length: number): Value =>
        builder.input(letter, "float32", [1, length, heads * width]);
      const [q, k, v] = [input("q", queries), input("k", keys), input("v", keys)];
      const attributes = { heads, scale: 1 / Math.sqrt(width) };
      builder.output(
        "y",
        fused ? builder.multiHeadAttention(q, k, v, attributes) : multiHeadAttention(builder, q, k, v, heads),
      );
      return optimize(builder.build());
    };
    const random = new SeededRandom(1, name);
    const drawn = (length: number) => random.normals(length * heads * width);
    const feeds = { q: drawn(queries), k: drawn(keys), v: drawn(keys) };
    const one = {
      name,
      ...(await inTurn([graph(false), graph(true)], feeds, "y", "/", repeatsFor(queries))),
    };
    figures.push(one);
    say(`  ${name.padEnd(50)}${sayFigures(one)}`);
  }
  return figures;
}

/** One UNet evaluation of a model with and without fused attention. */
export async function benchAttentionInUnet(
  model: ModelFolder,
  side: number,
  repeats: number,
  say: (line: string) => void,
): Promise<Omit<AttentionFigures, "name"> & { readonly activations: readonly [number, number] }> {
  const separate = optimize(unetGraph(model, { batch: 1, height: side, width: side, learnedRows: 0 }));
  const fused = fuseAttention(separate);
  const random = new SeededRandom(1, "bench unet");
  const feeds = Object.fromEntries(
    separate.inputs.map(({ name, shape }) => [
      name,
      name === "timesteps" ? Float32Array.of(600) : random.normals(shape.reduce((a, b) => a * b, 1)),
    ]),
  );
  const figures = await inTurn([separate, fused], feeds, "prediction", model.folder, repeats);
  const activations = [estimateMemory(separate).activations, estimateMemory(fused).activations] as const;
  const mebibytes = activations.map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`);
  say(`  UNet, ${side} × ${side} latents`.padEnd(52) + sayFigures(figures));
  say(`  its intermediate values at most: ${mebibytes[0]}, fused ${mebibytes[1]}`);
  return { ...figures, activations };
}

async function inTurn(
  graphs: readonly [OptimizedGraph, OptimizedGraph],
  feeds: Readonly<Record<string, Float32Array>>,
  output: string,
  root: string,
  repeats: number,
): Promise<Omit<AttentionFigures, "name">> {
  const sessions: Session[] = [];
  for (const graph of graphs) sessions.push(await Session.create(graph, { device: "cpu", threads: 1, root }));
  const results: Float32Array[] = [];
  const run = (index: number) => async () => {
    results[index] = (await sessions[index]!.run(feeds))[output]!;
  };
  const [separate, fused] = await leastProcessorSeconds([run(0), run(1)], repeats);
  for (const session of sessions) await session.dispose();
  const difference = results[0]!.reduce((most, x, i) => Math.max(most, Math.abs(x - results[1]![i]!)), 0);
  return { separate: separate!, fused: fused!, difference };
}

function repeatsFor(queries: number): number {
  return queries >= 4096 ? 3 : 15;
}

function sayFigures({ separate, fused, difference }: Omit<AttentionFigures, "name">): string {
  const ms = (seconds: number) => `${(1000 * seconds).toFixed(seconds < 0.01 ? 2 : 0)} ms`;
  return `${ms(separate)}, fused ${ms(fused)}: ratio ${(fused / separate).toFixed(2)}, difference ${difference.toExponential(1)}`;
}
