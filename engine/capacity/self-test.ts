import { VisibleError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { optimize } from "../rewrite/optimize.ts";
import { type Device, type DeviceKind, kindOf } from "../runtime/device.ts";
import { Session } from "../runtime/session.ts";

const [channels, side] = [8, 12];
const pixels = side * side;

/**
 * Maximum deviation from float64 of a working device. Measured: 1e-7 on CPUs, 1e-6 on shaders. NVIDIA's
 * convolutions and products round their factors to TF32 (11 bits), which gives 1.4e-4. A broken device
 * deviates by about the size of the results, 0.4.
 */
export const tolerances: Readonly<Record<DeviceKind, number>> = { cpu: 1e-4, webgpu: 1e-4, cuda: 1e-3 };

/** @throws VisibleError `device_unavailable` if the device is not available or computes wrong results */
export async function requireSoundDevice(device: Device): Promise<void> {
  const deviation = await selfTest(device);
  const tolerance = tolerances[kindOf(device)];
  if (!(deviation < tolerance))
    throw new VisibleError(
      "device_unavailable",
      `Device ${device} computes wrong results: its self-test deviates by ${deviation.toPrecision(2)}, more than ${tolerance}; check its driver.`,
    );
}

/**
 * Runs a convolution, a softmax and a matrix product on a device and compares them with float64.
 *
 * @returns the largest absolute deviation; results are of order 1
 * @throws VisibleError `device_unavailable`
 */
export async function selfTest(device: Device): Promise<number> {
  const random = new SeededRandom(1, "self-test");
  const x = random.normals(channels * pixels);
  const w = random.normals(channels * channels * 9).map((value) => value / Math.sqrt(9 * channels));
  const session = await Session.create(optimize(testGraph(w)), { device, root: "/" });
  const { y } = await session.run({ x });
  await session.dispose();
  const expected = evaluate(x, w);
  return y!.reduce((worst, value, i) => {
    const deviation = Math.abs(value - expected[i]!);
    // NaN compares as false and counts as the largest deviation.
    return deviation <= worst ? worst : deviation;
  }, 0);
}

/** x [1, C, S, S] → s = softmax over pixels of conv(x) → s·xᵀ, [1, C, C]. */
function testGraph(w: Float32Array): Graph {
  const graph = new GraphBuilder("self_test");
  const x = graph.input("x", "float32", [1, channels, side, side]);
  const kernel = graph.constant(w, [channels, channels, 3, 3]);
  const convolved = graph.conv(x, kernel, undefined, { stride: 1, pads: [1, 1, 1, 1], dilation: 1 });
  const rows = (value: typeof x) => graph.reshape(value, [1, channels, pixels]);
  graph.output("y", graph.matmul(graph.softmax(rows(convolved)), rows(x), { transB: true }));
  return graph.build();
}

function evaluate(x: Float32Array, w: Float32Array): Float64Array {
  const y = new Float64Array(channels * channels);
  for (let c = 0; c < channels; c++) {
    const row = convolve(x, w.subarray(c * channels * 9, (c + 1) * channels * 9));
    const most = row.reduce((a, b) => Math.max(a, b));
    const powers = row.map((value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b);
    for (let d = 0; d < channels; d++)
      y[c * channels + d] = powers.reduce((total, power, p) => total + (power / sum) * x[d * pixels + p]!, 0);
  }
  return y;
}

/** One output channel of a 3 × 3 convolution with zero padding. */
function convolve(x: Float32Array, w: Float32Array): Float64Array {
  return Float64Array.from({ length: pixels }, (_, p) => {
    const [top, left] = [Math.floor(p / side) - 1, (p % side) - 1];
    let sum = 0;
    for (let c = 0; c < channels; c++)
      for (let k = 0; k < 9; k++) {
        const [row, column] = [top + Math.floor(k / 3), left + (k % 3)];
        if (row >= 0 && row < side && column >= 0 && column < side)
          sum += w[c * 9 + k]! * x[c * pixels + row * side + column]!;
      }
    return sum;
  });
}
