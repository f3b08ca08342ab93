import { fileURLToPath } from "node:url";
import { openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { readIntegers } from "../weights/read-integers.ts";

/** A tiny random model of the fixtures, and PyTorch's results with it (`tests/oracle/`). */
export interface OracleFixture {
  readonly folder: string;
  floats(name: string): Promise<Float32Array>;
  integers(name: string): Promise<number[]>;
  shape(name: string): readonly number[];
  /** The pooled text under this name; absent in models without it. */
  pooled(name: string): Promise<{ readonly pooled?: Float32Array }>;
}

export async function openFixture(name: "tiny-ip2p" | "tiny-mini" | "tiny-sdxl"): Promise<OracleFixture> {
  const folder = fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
  const file = await openSafetensors(`${folder}/expected.safetensors`);
  return {
    folder,
    floats: (tensor) => readTensor(file, tensor),
    integers: (tensor) => readIntegers(file, tensor),
    shape: (tensor) => file.tensors.get(tensor)?.shape ?? [],
    pooled: async (tensor) => (file.tensors.has(tensor) ? { pooled: await readTensor(file, tensor) } : {}),
  };
}

/** max |actual − expected| / max |expected|: the deviation relative to the tensor's own scale. */
export function relativeDeviation(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [worst, scale] = [0, 0];
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(actual[i]! - value);
    if (!(difference <= worst)) worst = difference;
    scale = Math.max(scale, Math.abs(value));
  }
  return worst / scale;
}
