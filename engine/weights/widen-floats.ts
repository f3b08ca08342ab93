import { VisibleError } from "../errors.ts";
import { widenBfloat16, widenFloat16 } from "../graph/half-precision.ts";
import type { TensorEntry } from "./safetensors-header.ts";
import type { TensorDtype } from "./tensor-dtype.ts";

/** Converts each floating-point dtype to float32, exactly except for F64, which is rounded to nearest. */
const toFloat32: { readonly [D in TensorDtype]?: (buffer: ArrayBuffer) => Float32Array } = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => widenFloat16(new Uint16Array(buffer)),
  BF16: (buffer) => widenBfloat16(new Uint16Array(buffer)),
};

/**
 * Converts a floating-point tensor's bytes to float32.
 *
 * @param subject name of the file in messages
 * @throws VisibleError `unsupported_dtype`
 */
export function widenFloats({ name, dtype }: TensorEntry, bytes: ArrayBuffer, subject: string): Float32Array {
  const convert = toFloat32[dtype];
  if (convert === undefined)
    throw new VisibleError(
      "unsupported_dtype",
      `Tensor "${name}" of ${subject} has dtype ${dtype}; store it as F32, F16, BF16 or F64.`,
    );
  return convert(bytes);
}
