import type { ReferenceRules } from "./table.ts";
import { at, atBroadcast, generate } from "./tensor64.ts";

export const shaping: ReferenceRules<
  "Reshape" | "Transpose" | "Expand" | "Concat" | "Slice" | "Pad" | "Gather" | "After"
> = {
  Reshape: ([x], { shape }) => [{ shape, data: x!.data }],

  // y's axis a is x's axis permutation[a].
  Transpose: ([x], { permutation }) => [
    generate(
      permutation.map((axis) => x!.shape[axis]!),
      (index) =>
        at(
          x!,
          permutation.map((_, axis) => index[permutation.indexOf(axis)]!),
        ),
    ),
  ],

  Expand: ([x], { shape }) => [generate(shape, (index) => atBroadcast(x!, index))],

  Concat: (inputs, { axis }) => {
    const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [
      generate(inputs[0]!.shape.with(axis, total), (index) => {
        let position = index[axis]!;
        for (const x of inputs) {
          if (position < x.shape[axis]!) return at(x, index.with(axis, position));
          position -= x.shape[axis]!;
        }
        throw new Error("reference: Concat read past its inputs");
      }),
    ];
  },

  Slice: ([x], { axis, start, end, reverse }) => [
    generate(x!.shape.with(axis, end - start), (index) =>
      at(x!, index.with(axis, reverse ? end - 1 - index[axis]! : start + index[axis]!)),
    ),
  ],

  Pad: ([x], { axis, before, after }) => {
    const size = x!.shape[axis]!;
    return [
      generate(x!.shape.with(axis, before + size + after), (index) => {
        const position = index[axis]! - before;
        return position < 0 || position >= size ? 0 : at(x!, index.with(axis, position));
      }),
    ];
  },

  After: ([x]) => [x!],

  Gather: ([table, ids]) => [
    generate([...ids!.shape, table!.shape[1]!], (index) =>
      at(table!, [at(ids!, index.slice(0, -1)), index.at(-1)!]),
    ),
  ],
};
