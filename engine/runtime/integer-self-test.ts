import { VisibleError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { quantizedLevels } from "../graph/quantize-columns.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { optimize } from "../rewrite/optimize.ts";
import { Session } from "./session.ts";

/** Of the product [rows, depth] × [depth, columns]. The largest sum is exact in float32. */
const [rows, depth, columns] = [13, 500, 37];

/**
 * Checks the 8-bit products of `--precision int8` on this CPU. One without VNNI or AMX adds pairs of products in 16
 * bits and saturates if the weights have more than seven bits.
 *
 * @throws VisibleError `device_unavailable`
 */
export async function requireExactIntegers(): Promise<void> {
  const deviation = await deviationOfIntegers();
  if (!(deviation === 0))
    throw new VisibleError(
      "device_unavailable",
      `This CPU computes 8-bit products wrongly: its self-test deviates by ${deviation} and must be exact; use --precision fp32.`,
    );
}

/** The largest deviation from exact integers, of products whose operands are integers without rounding. */
async function deviationOfIntegers(): Promise<number> {
  const random = new SeededRandom(1, "integers");
  const whole = (low: number, high: number) => Math.round(low + random.uniform() * (high - low));
  // The first columns add up to the largest sums of either sign. Each column has the largest weight: a scale of 1.
  const w = Float32Array.from({ length: depth * columns }, (_, at) => {
    const column = at % columns;
    if (column < 2 || at < columns) return column === 1 ? -quantizedLevels : quantizedLevels;
    return whole(-quantizedLevels, quantizedLevels);
  });
  const session = await Session.create(optimize(productOf(w)), { device: "cpu", root: "/" });
  let worst = 0;
  // From zero, and around zero, which gives another zero point. The first row is the largest, and has the range.
  for (const low of [0, -128]) {
    const x = Float32Array.from({ length: rows * depth }, (_, at) =>
      at < depth ? low + 255 : at === depth ? low : whole(low, low + 255),
    );
    const { y } = await session.run({ x });
    for (let at = 0; at < y!.length; at++) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += x[row * depth + k]! * w[k * columns + column]!;
      const deviation = Math.abs(y![at]! - sum);
      if (!(deviation <= worst)) worst = deviation;
    }
  }
  await session.dispose();
  return worst;
}

function productOf(w: Float32Array): Graph {
  const graph = new GraphBuilder("integers");
  const x = graph.input("x", "float32", [rows, depth]);
  graph.output(
    "y",
    graph.dynamicQuantizeMatMul(x, ...graph.quantizeWeight(graph.constant(w, [depth, columns]))),
  );
  return graph.build();
}
