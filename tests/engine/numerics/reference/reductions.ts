import type { ReferenceRules } from "./table.ts";
import { at, generate, indices, type Tensor64 } from "./tensor64.ts";

export const reductions: ReferenceRules<
  "Softmax" | "LayerNormalization" | "ReduceSum" | "ReduceMean" | "AveragePool" | "Resize"
> = {
  // yᵢ = e^(xᵢ − max x) / Σⱼ e^(xⱼ − max x)
  Softmax: ([x]) => {
    const rows = lastAxisRows(x!).map((row) => {
      const highest = Math.max(...row);
      const powers = row.map((element) => Math.exp(element - highest));
      const sum = powers.reduce((total, power) => total + power, 0);
      return powers.map((power) => power / sum);
    });
    return [{ shape: x!.shape, data: Float64Array.from(rows.flat()) }];
  },

  // y = (x − μ)/√(σ² + ε), with the biased variance; also μ and 1/√(σ² + ε).
  LayerNormalization: ([x], { epsilon }) => {
    const rows = lastAxisRows(x!).map((row) => {
      const mean = row.reduce((sum, element) => sum + element, 0) / row.length;
      const variance = row.reduce((sum, element) => sum + (element - mean) ** 2, 0) / row.length;
      const inverse = 1 / Math.sqrt(variance + epsilon);
      return { y: row.map((element) => (element - mean) * inverse), mean, inverse };
    });
    const statistics = [...x!.shape.slice(0, -1), 1];
    return [
      { shape: x!.shape, data: Float64Array.from(rows.flatMap(({ y }) => y)) },
      { shape: statistics, data: Float64Array.from(rows, ({ mean }) => mean) },
      { shape: statistics, data: Float64Array.from(rows, ({ inverse }) => inverse) },
    ];
  },

  ReduceSum: ([x], { axes }) => [sumOver(x!, axes)],
  ReduceMean: ([x], { axes }) => {
    const count = axes.reduce((product, axis) => product * x!.shape[axis]!, 1);
    const { shape, data } = sumOver(x!, axes);
    return [{ shape, data: data.map((sum) => sum / count) }];
  },

  AveragePool: ([x], { kernel }) => {
    const [n, c, h, w] = x!.shape as readonly [number, number, number, number];
    return [
      generate([n, c, h / kernel, w / kernel], ([image, channel, row, column]) => {
        let sum = 0;
        for (const [i, j] of indices([kernel, kernel]))
          sum += at(x!, [image!, channel!, row! * kernel + i!, column! * kernel + j!]);
        return sum / kernel ** 2;
      }),
    ];
  },

  Resize: ([x], { factor }) => {
    const [n, c, h, w] = x!.shape as readonly [number, number, number, number];
    return [
      generate([n, c, h * factor, w * factor], ([image, channel, row, column]) =>
        at(x!, [image!, channel!, Math.floor(row! / factor), Math.floor(column! / factor)]),
      ),
    ];
  },
};

function lastAxisRows(x: Tensor64): number[][] {
  const width = x.shape.at(-1)!;
  return Array.from({ length: x.data.length / width }, (_, row) => [
    ...x.data.subarray(row * width, (row + 1) * width),
  ]);
}

/** Sums over axes, which stay as 1. */
function sumOver(x: Tensor64, axes: readonly number[]): Tensor64 {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const summed = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  return generate(shape, (index) => {
    let sum = 0;
    for (const offset of indices(summed))
      sum += at(
        x,
        index.map((i, axis) => i + offset[axis]!),
      );
    return sum;
  });
}
