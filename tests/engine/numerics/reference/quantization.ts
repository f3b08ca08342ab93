import type { ReferenceRules } from "./table.ts";
import { at, generate, type Tensor64, tensor64 } from "./tensor64.ts";

/** The scales and roundings are float32's, because a rounding may depend on the last bit. */
export const quantization: ReferenceRules<
  "QuantizeWeight" | "DynamicQuantizeMatMul" | "DynamicQuantizeConv"
> = {
  // sₙ = max |w[.., n]| / 63, q[.., n] = round(w[.., n] / sₙ)
  QuantizeWeight: ([w]) => {
    const columns = w!.shape.at(-1)!;
    const rows = w!.data.length / columns;
    const scales = Array.from({ length: columns }, (_, column) => {
      const magnitudes = Array.from({ length: rows }, (_, row) => Math.abs(w!.data[row * columns + column]!));
      return Math.fround(Math.max(...magnitudes) / 63);
    });
    const integers = Array.from(w!.data, (x, i) => roundHalfToEven(Math.fround(x / scales[i % columns]!)));
    return [tensor64([rows, columns], integers), tensor64([columns], scales)];
  },

  // y[.., n] = scale·sₙ·Σₖ qx[.., k]·q[k, n] + b[n]
  DynamicQuantizeMatMul: ([x, integers, scales, bias]) => {
    const { quantized, scale } = quantizeDynamically(x!);
    const [inner, columns] = integers!.shape as readonly [number, number];
    return [
      generate([...x!.shape.slice(0, -1), columns], (index) => {
        let sum = 0;
        for (let k = 0; k < inner; k++)
          sum += at(quantized, [...index.slice(0, -1), k]) * at(integers!, [k, index.at(-1)!]);
        return scale * scales!.data[index.at(-1)!]! * sum + (bias?.data[index.at(-1)!] ?? 0);
      }),
    ];
  },

  // The convolution of qx with q as kernels [kH, kW, C, M], scaled in the same way.
  DynamicQuantizeConv: ([x, integers, scales, bias], { kernel, stride, pads, dilation }) => {
    const { quantized, scale } = quantizeDynamically(x!);
    const [count, channels, height, width] = x!.shape as readonly [number, number, number, number];
    const columns = integers!.shape[1]!;
    const [top, left, bottom, right] = pads;
    const size = (whole: number, taps: number) =>
      Math.floor((whole - dilation * (taps - 1) - 1) / stride) + 1;
    const rows = size(height + top + bottom, kernel[0]);
    return [
      generate([count, columns, rows, size(width + left + right, kernel[1])], ([n, m, r, s]) => {
        let sum = 0;
        for (let i = 0; i < kernel[0]; i++)
          for (let j = 0; j < kernel[1]; j++) {
            const [row, column] = [r! * stride + i * dilation - top, s! * stride + j * dilation - left];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            for (let c = 0; c < channels; c++) {
              const k = (i * kernel[1] + j) * channels + c;
              sum += at(quantized, [n!, c, row, column]) * at(integers!, [k, m!]);
            }
          }
        return scale * scales!.data[m!]! * sum + (bias?.data[m!] ?? 0);
      }),
    ];
  },
};

/** ONNX's DynamicQuantizeLinear, with the zero point subtracted: x ≈ scale · quantized. */
function quantizeDynamically({ shape, data }: Tensor64): { quantized: Tensor64; scale: number } {
  const [low, high] = [Math.min(0, ...data), Math.max(0, ...data)];
  const scale = Math.fround(Math.fround(high - low) / 255);
  const zero = roundHalfToEven(Math.fround(-low / scale));
  const quantize = (x: number) =>
    Math.min(255, Math.max(0, roundHalfToEven(Math.fround(x / scale)) + zero)) - zero;
  return { quantized: tensor64(shape, Array.from(data, quantize)), scale };
}

function roundHalfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}
