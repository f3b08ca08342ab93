import type { Graph } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { type GraphWork, workOf } from "../graph/graph-work.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { optimize } from "../rewrite/optimize.ts";
import { type Device, Session } from "../runtime/session.ts";

/** Throughput of a device per second: floating-point operations, and bytes of elementwise work. */
export type Rates = GraphWork;

/** Seconds for which each kind of work is repeated. */
const duration = 0.4;

/**
 * Measures a device with work shaped like Stable Diffusion's UNet at 32 × 32 latents: its middle convolution,
 * a feed-forward product and an activation. Takes about two seconds.
 *
 * @param now returns seconds
 * @throws VisibleError `device_unavailable`
 */
export async function measureRates(
  device: Device,
  { threads, now }: { readonly threads?: number; readonly now: () => number },
): Promise<Rates> {
  const rate = async (graph: Graph, kind: keyof GraphWork): Promise<number> => {
    const session = await Session.create(optimize(graph), {
      device,
      root: "/",
      ...(threads ? { threads } : {}),
    });
    const [input] = graph.inputs;
    const x = new SeededRandom(1, "rates").normals(input!.shape.reduce((a, b) => a * b, 1));
    await session.run({ x });
    let best = Number.POSITIVE_INFINITY;
    const started = now();
    do {
      const before = now();
      await session.run({ x });
      best = Math.min(best, now() - before);
    } while (now() - started < duration);
    await session.dispose();
    return workOf(graph)[kind] / best;
  };
  return {
    convolution: await rate(convolutionGraph(), "convolution"),
    product: await rate(productGraph(), "product"),
    traffic: await rate(activationGraph(), "traffic"),
  };
}

/** Estimated seconds for `work` at these rates. */
export function secondsFor(work: GraphWork, rates: Rates): number {
  return work.convolution / rates.convolution + work.product / rates.product + work.traffic / rates.traffic;
}

/** Reduces the result to one number, so that copying it is not measured. */
function summed(graph: GraphBuilder, value: Parameters<GraphBuilder["reduceSum"]>[0]): Graph {
  const axes = value.shape.map((_, axis) => axis);
  graph.output("sum", graph.reshape(graph.reduceSum(value, axes), [1]));
  return graph.build();
}

function convolutionGraph(): Graph {
  const graph = new GraphBuilder("convolution_rate");
  const [width, side] = [320, 32];
  const x = graph.input("x", "float32", [1, width, side, side]);
  const w = graph.constant(new SeededRandom(2, "w").normals(width * width * 9), [width, width, 3, 3]);
  return summed(graph, graph.conv(x, w, undefined, { stride: 1, pads: [1, 1, 1, 1], dilation: 1 }));
}

function productGraph(): Graph {
  const graph = new GraphBuilder("product_rate");
  const [rows, width] = [1024, 1024];
  const x = graph.input("x", "float32", [1, rows, width]);
  const w = graph.constant(new SeededRandom(3, "w").normals(width * width), [width, width]);
  return summed(graph, graph.matmul(x, w));
}

/** Larger than a CPU's cache, like the UNet's values at 64 × 64 latents. */
function activationGraph(): Graph {
  const graph = new GraphBuilder("activation_rate");
  const x = graph.input("x", "float32", [32, 320 * 1024]);
  const normalized = graph.layerNormalization(x, 1e-5);
  return summed(graph, graph.add(graph.quickGelu(graph.mul(normalized, 0.5), 1), x));
}
