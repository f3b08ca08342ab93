import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Instruction, InstructionSpace } from "./instruction.ts";

interface RankedWord {
  readonly word: string;
  readonly similarity: number;
}

/**
 * For each learned token, the vocabulary words whose embedding, as a text of one word, has the highest
 * cosine; in kv space,
 * compares their keys and values. An approximation of what was learned.
 *
 * @example
 * const [first] = await nearestWords(pipeline, await readInstruction("edit.visii"), 3);
 * console.log(first?.words);
 */
export async function nearestWords(
  pipeline: Pipeline,
  { tokens, tokenCount, dimension, info }: Instruction,
  count: number,
): Promise<{ words: string[]; cosine: number[] }[]> {
  const best = Array.from({ length: tokenCount }, (): RankedWord[] => []);
  for await (const { word, row } of wordRows(pipeline, info.space))
    for (const [index, ranked] of best.entries()) {
      const similarity = cosine(tokens.subarray(index * dimension, (index + 1) * dimension), row);
      if (ranked.length === count && similarity <= ranked.at(-1)!.similarity) continue;
      ranked.push({ word, similarity });
      ranked.sort((a, b) => b.similarity - a.similarity).splice(count);
    }
  return best.map((ranked) => ({
    words: ranked.map(({ word }) => word),
    cosine: ranked.map(({ similarity }) => similarity),
  }));
}

/** Every whole word with the row at its position: its embedding [d], or its keys and values [D]. */
async function* wordRows(
  pipeline: Pipeline,
  space: InstructionSpace,
): AsyncGenerator<{ readonly word: string; readonly row: Float32Array }> {
  const words = wholeWords(pipeline);
  const { bosId } = pipeline.model.tokenizer;
  const { textLength: batch, textWidth } = pipeline;
  const width = space === "text" ? textWidth : pipeline.keysValuesWidth;
  for (let start = 0; start < words.length; start += batch) {
    const part = words.slice(start, start + batch);
    // The text encoder is causal: a word's row after BOS does not depend on what follows, so two positions
    // suffice.
    const ids = Array.from({ length: batch }, (_, i) => [bosId, part[i]?.id ?? bosId]);
    const hidden = await pipeline.encodeIds(ids);
    const embeddings = new Float32Array(batch * textWidth);
    for (let i = 0; i < batch; i++)
      embeddings.set(hidden.subarray((2 * i + 1) * textWidth, (2 * i + 2) * textWidth), i * textWidth);
    // Each position is projected independently, so a batch of words can be passed as a text.
    const rows = space === "text" ? embeddings : await pipeline.projectText(embeddings);
    for (const [i, { word }] of part.entries())
      yield { word, row: rows.subarray(i * width, (i + 1) * width) };
  }
}

function wholeWords({ model: { tokenizer } }: Pipeline): { word: string; id: number }[] {
  const ids = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id);
  return ids.flatMap((id) => {
    const word = tokenizer.tokenToString(id)?.match(/^([a-z]{3,})<\/w>$/)?.[1];
    return word === undefined ? [] : [{ word, id }];
  });
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}
