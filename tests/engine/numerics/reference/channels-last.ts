import { erf, sigmoid } from "./special-functions.ts";
import type { ReferenceRules } from "./table.ts";
import { at, generate, indices } from "./tensor64.ts";

export const channelsLast: ReferenceRules<"NhwcConv" | "GroupNorm" | "BiasSplitGelu"> = {
  // y[n, r, s, m] = b[m] + Σ w[m, i, j, c] · x[n, r·stride + i·dilation − top, s·stride + j·dilation − left, c]
  NhwcConv: ([x, w, b], { kernel, stride, pads, dilation }) => {
    const [count, height, width, channels] = x!.shape as readonly [number, number, number, number];
    const made = w!.shape[0]!;
    const [top, left, bottom, right] = pads;
    const steps = (whole: number, taps: number) =>
      Math.floor((whole - dilation * (taps - 1) - 1) / stride) + 1;
    const rows = steps(height + top + bottom, kernel[0]);
    const columns = steps(width + left + right, kernel[1]);
    return [
      generate([count, rows, columns, made], ([n, r, s, m]) => {
        let sum = b ? b.data[m!]! : 0;
        for (const [i, j, c] of indices([...kernel, channels])) {
          const [row, column] = [r! * stride + i! * dilation - top, s! * stride + j! * dilation - left];
          if (row >= 0 && row < height && column >= 0 && column < width)
            sum += at(w!, [m!, i!, j!, c!]) * at(x!, [n!, row, column, c!]);
        }
        return sum;
      }),
    ];
  },

  // y = scale[c]·(x − μ)/√(σ² + ε) + shift[c] over a group of channels, with the biased variance; y·σ(y) with SiLU.
  GroupNorm: ([x, scale, shift], { groups, epsilon, silu }) => {
    const [count, height, width, channels] = x!.shape as readonly [number, number, number, number];
    const each = channels / groups;
    const statistics = Array.from({ length: count * groups }, (_, index) => {
      const elements: number[] = [];
      for (const [row, column, c] of indices([height, width, each]))
        elements.push(at(x!, [Math.floor(index / groups), row!, column!, (index % groups) * each + c!]));
      const mean = elements.reduce((sum, element) => sum + element, 0) / elements.length;
      const variance = elements.reduce((sum, element) => sum + (element - mean) ** 2, 0) / elements.length;
      return { mean, inverse: 1 / Math.sqrt(variance + epsilon) };
    });
    return [
      generate(x!.shape, (index) => {
        const [n, , , c] = index as readonly [number, number, number, number];
        const { mean, inverse } = statistics[n * groups + Math.floor(c / each)]!;
        const y = scale!.data[c]! * (at(x!, index) - mean) * inverse + shift!.data[c]!;
        return silu ? y * sigmoid(y) : y;
      }),
    ];
  },

  // y[.., i] = a · b·Φ(b), a = x[.., i] + bias[i], b = x[.., D/2 + i] + bias[D/2 + i]
  BiasSplitGelu: ([x, bias]) => {
    const [count, length, width] = x!.shape as readonly [number, number, number];
    const half = width / 2;
    return [
      generate([count, length, half], ([n, s, i]) => {
        const [a, b] = [i!, half + i!].map((c) => at(x!, [n!, s!, c]) + bias!.data[c]!) as [number, number];
        return (a * b * (1 + erf(b / Math.SQRT2))) / 2;
      }),
    ];
  },
};
