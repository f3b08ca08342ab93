import { narrowToFloat16 } from "../../engine/graph/half-precision.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { TensorStream } from "../../engine/weights/safetensors-file.ts";
import type { TensorSpec } from "./list-tensors.ts";

/** Elements drawn at once: 4 MiB of float32. Each piece has a seed of its own, so any can be made without the others. */
const elementsAtOnce = 2 ** 20;

/** CLIP's published temperature, ln 100: it has no spread to be drawn from. */
const logitScale = Math.log(100);

/**
 * Values that keep activations of order 1 through the network, and make every parameter count:
 *
 * - a matrix or kernel: variance 1 / fan-in, so that what goes in with variance 1 comes out with variance 1;
 * - a norm's scale: 1 ± 0.1, and a bias 0 ± 0.1, so that one which is forgotten or swapped shows in the result;
 * - an embedding: token and position together of variance 1.
 *
 * Uniform rather than normal: bounded (half precision cannot overflow) and one draw a value.
 */
function momentsOf({ name, shape }: TensorSpec): { readonly mean: number; readonly deviation: number } {
  if (name === "logit_scale") return { mean: logitScale, deviation: 0 };
  if (/(token|position|class)_embedding(\.weight)?$/.test(name)) return { mean: 0, deviation: Math.SQRT1_2 };
  if (shape.length >= 2)
    return { mean: 0, deviation: 1 / Math.sqrt(shape.slice(1).reduce((product, size) => product * size, 1)) };
  return { mean: name.endsWith(".weight") ? 1 : 0, deviation: 0.1 };
}

/**
 * A tensor of seeded random values, made piece by piece as it is written.
 *
 * @param label of its component: draws hang on seed, label, name and piece alone
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
