import { describe, expect, it } from "vitest";
import { type ElementOrder, rearrangeElements } from "../../../engine/weights/rearrange-elements.ts";
import { seededRandom } from "../numerics/seeded-random.ts";

/** The definition, one index at a time. */
function oneByOne(source: Uint32Array, { shape, strides, offset }: ElementOrder): number[] {
  let positions = [offset];
  for (const [axis, size] of shape.entries())
    positions = positions.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis]!));
  return positions.map((at) => source[at]!);
}

const source = Uint32Array.from({ length: 2 * 3 * 4 * 5 * 6 }, (_, i) => i * 7919);

describe("rearranged elements are in order", () => {
  it("for any permutation with any reversed axes, of any rank", () => {
    const random = seededRandom(3);
    for (let round = 0; round < 300; round++) {
      const rank = 1 + Math.floor(random() * 5);
      const sizes = Array.from(
        { length: rank },
        () => 1 + Math.floor(random() * (rank > 3 ? 3 : 40 ** (1 / rank) * 2)),
      );
      const axes = sizes
        .map((size, axis) => ({
          size,
          stride: sizes.slice(axis + 1).reduce((a, b) => a * b, 1),
          key: random(),
        }))
        .sort((a, b) => a.key - b.key);
      let offset = 0;
      const strides = axes.map(({ size, stride }) => {
        if (random() < 0.5) return stride;
        offset += (size - 1) * stride;
        return -stride;
      });
      const order = { shape: axes.map(({ size }) => size), strides, offset };
      expect([...rearrangeElements(source, order)]).toEqual(oneByOne(source, order));
    }
  });

  it("for more rows than one block", () => {
    const order = { shape: [70, 9], strides: [1, 70], offset: 2 };
    expect([...rearrangeElements(source, order)]).toEqual(oneByOne(source, order));
  });

  it("for sixteen-bit elements, a single one and none", () => {
    const halves = Uint16Array.of(1, 2, 3);
    expect(rearrangeElements(halves, { shape: [3], strides: [-1], offset: 2 })).toEqual(
      Uint16Array.of(3, 2, 1),
    );
    expect(rearrangeElements(halves, { shape: [], strides: [], offset: 1 })).toEqual(Uint16Array.of(2));
    expect(rearrangeElements(halves, { shape: [0, 3], strides: [3, 1], offset: 0 })).toEqual(
      new Uint16Array(),
    );
  });
});
