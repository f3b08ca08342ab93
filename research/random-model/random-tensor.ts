import { narrowToFloat16 } from "../../engine/graph/half-precision.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { TensorStream } from "../../engine/weights/safetensors-file.ts";
import type { TensorSpec } from "./list-tensors.ts";

/**
 * Elements per chunk: 4 MiB of float32. Each chunk has its own seed, so it can be generated independently.
 */
const elementsAtOnce = 2 ** 20;

/** CLIP's published temperature, ln 100, which is a constant. */
const logitScale = Math.log(100);

/**
 * Moments that keep activations of order 1 through the network and make every parameter affect the result:
 *
 * - a matrix or kernel: variance 1 / fan-in, which preserves variance 1;
 * - a norm's scale: 1 ± 0.1, and a bias 0 ± 0.1, so that a missing or swapped one changes the result;
 * - an embedding: token and position have variance 1 together.
 *
 * Uniform instead of normal: bounded, so half precision cannot overflow, and one draw per value.
 */
function momentsOf({ name, shape }: TensorSpec): { readonly mean: number; readonly deviation: number } {
  if (name === "logit_scale") return { mean: logitScale, deviation: 0 };
  if (/(token|position|class)_embedding(\.weight)?$/.test(name)) return { mean: 0, deviation: Math.SQRT1_2 };
  if (shape.length >= 2)
    return { mean: 0, deviation: 1 / Math.sqrt(shape.slice(1).reduce((product, size) => product * size, 1)) };
  return { mean: name.endsWith(".weight") ? 1 : 0, deviation: 0.1 };
}

/**
 * A tensor of seeded random values, generated in chunks while it is written.
 *
 * @param label of its component: draws depend only on seed, label, name and chunk
 */
export function randomTensor(
  spec: TensorSpec,
  { seed, label, half }: { readonly seed: number; readonly label: string; readonly half: boolean },
): TensorStream {
  const { name, shape, kind } = spec;
  const count = shape.reduce((product, size) => product * size, 1);
  if (kind === "position_ids")
    return {
      name,
      shape,
      dtype: "I64",
      bytes: () => [bytesOf(BigInt64Array.from({ length: count }, (_, i) => BigInt(i)))],
    };
  const { mean, deviation } = momentsOf(spec);
  const reach = Math.sqrt(3) * deviation;
  return {
    name,
    shape,
    dtype: half ? "F16" : "F32",
    *bytes() {
      for (let start = 0; start < count; start += elementsAtOnce) {
        const values = new Float32Array(Math.min(elementsAtOnce, count - start));
        new SeededRandom(seed, label, name, start / elementsAtOnce).fillUniform(
          values,
          mean - reach,
          mean + reach,
        );
        yield bytesOf(half ? narrowed(values) : values);
      }
    },
  };
}

function narrowed(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  narrowToFloat16(values, bits);
  return bits;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
