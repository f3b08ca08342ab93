import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Instruction } from "./instruction.ts";

/**
 * For each learned token, the vocabulary's words whose embedding, as a text of that one
 * word, points most nearly the same way. A hint at what was learned, no translation.
 */
export async function nearestWords(
  pipeline: Pipeline,
  { tokens, tokenCount, dimension }: Instruction,
  count: number,
): Promise<{ words: string[]; cosine: number[] }[]> {
  const table = await wordEmbeddings(pipeline);
  return Array.from({ length: tokenCount }, (_, row) => {
    const token = tokens.subarray(row * dimension, (row + 1) * dimension);
    const best = table
      .map(({ word, embedding }) => ({ word, similarity: cosine(token, embedding) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count);
    return { words: best.map(({ word }) => word), cosine: best.map(({ similarity }) => similarity) };
  });
}

/** Words encoded at a time. */
const batch = 128;

async function wordEmbeddings(pipeline: Pipeline): Promise<{ word: string; embedding: Float32Array }[]> {
  const words = wholeWords(pipeline);
  const { bosId } = pipeline.model.tokenizer;
  const width = pipeline.textWidth;
  const table: { word: string; embedding: Float32Array }[] = [];
  // The text encoder is causal: a word's row behind BOS does not depend on what follows, so two positions suffice.
  for (let start = 0; start < words.length; start += batch) {
    const part = words.slice(start, start + batch);
    const ids = Array.from({ length: batch }, (_, i) => [bosId, part[i]?.id ?? bosId]);
    const hidden = await pipeline.encodeIds(ids);
    for (const [i, { word }] of part.entries())
      table.push({ word, embedding: hidden.subarray((2 * i + 1) * width, (2 * i + 2) * width) });
  }
  return table;
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
