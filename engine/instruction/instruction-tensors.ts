import type { TextAttention } from "../networks/text-attention.ts";
import type { TensorSource } from "../weights/safetensors-file.ts";
import type { Instruction } from "./instruction.ts";

/** The single tensor of a file in text space, [n, d]. */
export const rowsName = "instruction";

/** In kv space: keys and values of one attention layer, [n, width] each. */
const keysName = (attention: string) => `${attention}.keys`;
const valuesName = (attention: string) => `${attention}.values`;

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** Converts an instruction's rows to the tensors of its file. */
export function tensorsOf({
  tokens,
  tokenCount,
  dimension,
  attentions,
}: Instruction): Record<string, TensorSource> {
  if (!attentions) return { [rowsName]: { shape: [tokenCount, dimension], data: tokens } };
  const columns = (from: number, width: number): TensorSource => {
    const data = new Float32Array(tokenCount * width);
    for (let row = 0; row < tokenCount; row++)
      data.set(tokens.subarray(row * dimension + from, row * dimension + from + width), row * width);
    return { shape: [tokenCount, width], data };
  };
  const tensors: Record<string, TensorSource> = {};
  let column = 0;
  for (const { name, width } of attentions) {
    tensors[keysName(name)] = columns(column, width);
    tensors[valuesName(name)] = columns(column + width, width);
    column += 2 * width;
  }
  return tensors;
}

/** Where the tensors of a file in kv space are in an instruction's rows. */
interface KeysValuesLayout {
  readonly tokenCount: number;
  readonly attentions: readonly TextAttention[];
}

/** @returns the layout, or the reason why the tensors are not keys and values */
export function layoutOf(tensors: Shapes): KeysValuesLayout | string {
  const attentions: TextAttention[] = [];
  let tokenCount: number | undefined;
  for (const [name, { shape }] of tensors) {
    const attention = /^(.+)\.(?:keys|values)$/.exec(name)?.[1];
    if (attention === undefined) return `its tensor ${name} is neither keys nor values`;
    const [rows, width] = shape;
    const other = tensors.get(name === keysName(attention) ? valuesName(attention) : keysName(attention));
    if (shape.length !== 2 || !rows || !width) return `${name} has shape [${shape}]`;
    tokenCount ??= rows;
    if (rows !== tokenCount) return `${name} has ${rows} rows, others have ${tokenCount}`;
    if (other?.shape[1] !== width)
      return `keys and values of ${attention} differ in width, or one is missing`;
    if (name === keysName(attention)) attentions.push({ name: attention, width });
  }
  if (!tokenCount) return "it contains no keys and values";
  attentions.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { tokenCount, attentions };
}

/** Converts the tensors of a file to the rows of an instruction. */
export function rowsOf(
  { tokenCount, attentions }: KeysValuesLayout,
  dimension: number,
  tensors: ReadonlyMap<string, Float32Array>,
): Float32Array {
  const rows = new Float32Array(tokenCount * dimension);
  let column = 0;
  for (const { name, width } of attentions)
    for (const part of [keysName(name), valuesName(name)]) {
      const data = tensors.get(part)!;
      for (let row = 0; row < tokenCount; row++)
        rows.set(data.subarray(row * width, (row + 1) * width), row * dimension + column);
      column += width;
    }
  return rows;
}
