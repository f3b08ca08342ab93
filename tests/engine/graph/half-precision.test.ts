import { expect, it } from "vitest";
import { narrowToFloat16, widenFloat16 } from "../../../engine/graph/half-precision.ts";

const narrow = (values: Float32Array) => {
  const bits = new Uint16Array(values.length);
  narrowToFloat16(values, bits);
  return bits;
};

const everyHalf = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const values = widenFloat16(everyHalf);

it("narrows every float16 value to itself", () => {
  const again = narrow(values);
  const wrong = everyHalf.filter((bits, i) => !Number.isNaN(values[i]) && again[i] !== bits);
  expect([...wrong]).toEqual([]);
  expect(narrow(Float32Array.of(Number.NaN)).every((bits) => (bits & 0x7fff) > 0x7c00)).toBe(true);
});

it("rounds to nearest, ties to even", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [values[bits]!, values[bits + 1]!];
    const middle = (low + high) / 2;
    const [below, above] = [low + (high - low) * 0.499, low + (high - low) * 0.501];
    expect([...narrow(Float32Array.of(below, middle, above))]).toEqual([
      bits,
      bits % 2 === 0 ? bits : bits + 1,
      bits + 1,
    ]);
  }
});

it("returns infinity from 65520, and keeps the sign of zero", () => {
  expect([...narrow(Float32Array.of(65_519.99, 65_520, -1e30, -0))]).toEqual([
    0x7bff, 0x7c00, 0xfc00, 0x8000,
  ]);
});
