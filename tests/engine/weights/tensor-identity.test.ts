import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { narrowToFloat16, widenFloat16 } from "../../../engine/graph/half-precision.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import {
  openSafetensors,
  type TensorSource,
  writeSafetensors,
} from "../../../engine/weights/safetensors-file.ts";
import { combineIdentities, identifyTensors } from "../../../engine/weights/tensor-identity.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-identity-"));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function identityOf(tensors: Record<string, TensorSource>, metadata = {}): Promise<string> {
  const path = join(folder, `${files++}.safetensors`);
  await writeSafetensors(path, tensors, metadata);
  return identifyTensors(await openSafetensors(path));
}

const weight = { shape: [40, 30], data: new SeededRandom(1, "w").normals(1200) };
const bias = { shape: [30], data: new SeededRandom(1, "b").normals(30) };
const half = ({ shape, data }: typeof weight): TensorSource => {
  const bits = new Uint16Array(data.length);
  narrowToFloat16(data, bits);
  return { shape, data: bits, dtype: "F16" };
};

it("is the same for a copy in half precision, with other metadata, and with added tensors of integers", async () => {
  const whole = await identityOf({ weight, bias });
  expect(await identityOf({ weight: half(weight), bias: half(bias) })).toBe(whole);
  expect(await identityOf({ bias, weight }, { format: "pt" })).toBe(whole);
  const positions = { shape: [4], data: BigInt64Array.from([0n, 1n, 2n, 3n]) };
  expect(await identityOf({ weight, bias, position_ids: positions })).toBe(whole);
  expect(await identityOf({ "text_model.weight": weight, bias })).toBe(whole);
});

it("is the same in shards", async () => {
  const parts = [await identityOf({ bias }), await identityOf({ weight })];
  expect(combineIdentities(parts)).toBe(await identityOf({ weight, bias }));
});

it("changes with a value, a name, a shape, or an added tensor", async () => {
  const whole = await identityOf({ weight, bias });
  const moved = weight.data.slice();
  const bits = new Uint16Array(1);
  narrowToFloat16(moved.subarray(7, 8), bits);
  // One unit in the last place of half precision.
  moved[7] = widenFloat16(Uint16Array.of(bits[0]! + 1))[0]!;
  const others = [
    { weight: { ...weight, data: moved }, bias },
    { weights: weight, bias },
    { weight: { ...weight, shape: [30, 40] }, bias },
    { weight, bias, more: bias },
    { weight: { ...bias, shape: [30] }, bias: weight },
  ];
  const identities = await Promise.all(others.map((tensors) => identityOf(tensors)));
  expect(new Set([whole, ...identities]).size).toBe(others.length + 1);
});

it("reads tensors that are longer than one read", async () => {
  const long = { shape: [2_500_000], data: new Float32Array(2_500_000).fill(0.25) };
  const end = { ...long, data: long.data.slice() };
  end.data[2_499_999] = 0.5;
  expect(await identityOf({ long: half(long) })).toBe(await identityOf({ long }));
  expect(await identityOf({ long: end })).not.toBe(await identityOf({ long }));
});
