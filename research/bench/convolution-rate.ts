import { GraphBuilder } from "../../engine/graph/graph-builder.ts";
import { workOf } from "../../engine/graph/graph-work.ts";
import { elementCount } from "../../engine/graph/value.ts";
import { optimize } from "../../engine/rewrite/optimize.ts";
import { Session } from "../../engine/runtime/session.ts";
import { medianSeconds } from "./time.ts";

/** FLOP/s of the fastest of three large 3 × 3 convolutions, used for the lower bound. */
export async function fastestConvolutionRate(threads: number): Promise<number> {
  const rates: number[] = [];
  for (const [channels, size] of [
    [320, 64],
    [640, 32],
    [1280, 16],
  ] as const) {
    const graph = new GraphBuilder("convolution");
    const shape = [1, channels, size, size];
    const weight = new Float32Array(channels * channels * 9).fill(1e-3);
    const x = graph.input("x", "float32", shape);
    const w = graph.constant(weight, [channels, channels, 3, 3]);
    graph.output("y", graph.conv(x, w, undefined, { stride: 1, pads: [1, 1, 1, 1], dilation: 1 }));
    const built = graph.build();
    const session = await Session.create(optimize(built), { device: "cpu", threads, root: "/" });
    const feeds = { x: new Float32Array(elementCount(shape)).fill(0.5) };
    rates.push(workOf(built).convolution / (await medianSeconds(() => session.run(feeds), 9)));
    await session.dispose();
  }
  return Math.max(...rates);
}
