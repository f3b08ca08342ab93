import type { ConvAttributes } from "../../../../engine/graph/operators.ts";
import type { ReferenceRules } from "./table.ts";
import { at, atBroadcast, broadcastShape, generate, indices, type Tensor64 } from "./tensor64.ts";

export const linearAlgebra: ReferenceRules<"MatMul" | "Conv" | "ConvTranspose" | "MultiHeadAttention"> = {
  // y[…, i, j] = α Σₖ A[…, i, k] B[…, k, j]
  MatMul: ([a, b], { transA, transB, alpha }) => {
    const left = transA ? swapLastTwo(a!) : a!;
    const right = transB ? swapLastTwo(b!) : b!;
    const inner = left.shape.at(-1)!;
    const lead = broadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
    return [
      generate([...lead, left.shape.at(-2)!, right.shape.at(-1)!], (index) => {
        const batch = index.slice(0, -2);
        const [i, j] = index.slice(-2) as [number, number];
        let sum = 0;
        for (let k = 0; k < inner; k++)
          sum += atBroadcast(left, [...batch, i, k]) * atBroadcast(right, [...batch, k, j]);
        return alpha * sum;
      }),
    ];
  },

  // y[n, m, r, s] = b[m] + Σ w[m, c, i, j] · x[n, c, r·stride + i·dilation − top, s·stride + j·dilation −
  // left]
  Conv: ([x, w, b], attributes) => {
    const [count, channels, height, width] = four(x!);
    const [made, , kernelHeight, kernelWidth] = four(w!);
    const [top, left, bottom, right] = attributes.pads;
    const rows = outputSize(height, kernelHeight, top + bottom, attributes);
    const columns = outputSize(width, kernelWidth, left + right, attributes);
    return [
      generate([count, made, rows, columns], ([n, m, r, s]) => {
        let sum = b ? b.data[m!]! : 0;
        for (let c = 0; c < channels; c++)
          for (let i = 0; i < kernelHeight; i++)
            for (let j = 0; j < kernelWidth; j++) {
              const row = r! * attributes.stride + i * attributes.dilation - top;
              const column = s! * attributes.stride + j * attributes.dilation - left;
              if (row >= 0 && row < height && column >= 0 && column < width)
                sum += at(w!, [m!, c, i, j]) * at(x!, [n!, c, row, column]);
            }
        return sum;
      }),
    ];
  },

  // The adjoint: every x[n, m, r, s] adds w[m, c, i, j]·x to the element that Conv would have read.
  ConvTranspose: ([x, w], { stride, dilation, pads, outputPadding }) => {
    const [count, made, height, width] = four(x!);
    const [, channels, kernelHeight, kernelWidth] = four(w!);
    const [top, left, bottom, right] = pads;
    const rows = (height - 1) * stride + dilation * (kernelHeight - 1) + 1 - top - bottom + outputPadding[0];
    const columns = (width - 1) * stride + dilation * (kernelWidth - 1) + 1 - left - right + outputPadding[1];
    const y = new Float64Array(count * channels * rows * columns);
    for (const [n, m, r, s] of indices([count, made, height, width]))
      for (const [c, i, j] of indices([channels, kernelHeight, kernelWidth])) {
        const row = r! * stride + i! * dilation - top;
        const column = s! * stride + j! * dilation - left;
        if (row >= 0 && row < rows && column >= 0 && column < columns)
          y[((n! * channels + c!) * rows + row) * columns + column]! +=
            at(w!, [m!, c!, i!, j!]) * at(x!, [n!, m!, r!, s!]);
      }
    return [{ shape: [count, channels, rows, columns], data: y }];
  },

  // y[n, i, h·e + c] = Σⱼ pⱼ · v[n, j, h·e + c], pⱼ = exp(scale · Σ q[n, i, h·d + a] · k[n, j, h·d + a]) / Σ
  MultiHeadAttention: ([q, k, v], { heads, scale }) => {
    const [batch, length, width] = q!.shape as readonly [number, number, number];
    const [tokens, made] = v!.shape.slice(1) as [number, number];
    const [d, e] = [width / heads, made / heads];
    return [
      generate([batch, length, made], ([n, i, column]) => {
        const head = Math.floor(column! / e);
        const powers = Array.from({ length: tokens }, (_, j) => {
          let score = 0;
          for (let a = head * d; a < (head + 1) * d; a++) score += at(q!, [n!, i!, a]) * at(k!, [n!, j, a]);
          return Math.exp(scale * score);
        });
        const sum = powers.reduce((total, power) => total + power, 0);
        return powers.reduce((total, power, j) => total + (power / sum) * at(v!, [n!, j, column!]), 0);
      }),
    ];
  },
};

function swapLastTwo(x: Tensor64): Tensor64 {
  const lead = x.shape.slice(0, -2);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  return generate([...lead, columns, rows], (index) => {
    const [column, row] = index.slice(-2) as [number, number];
    return at(x, [...index.slice(0, -2), row, column]);
  });
}

function outputSize(
  size: number,
  kernel: number,
  padding: number,
  { stride, dilation }: ConvAttributes,
): number {
  let count = 0;
  // As many steps as keep the kernel's last tap inside the padded input.
  while (count * stride + dilation * (kernel - 1) < size + padding) count++;
  return count;
}

function four(x: Tensor64): [number, number, number, number] {
  return [...x.shape] as [number, number, number, number];
}
