import type { RgbImage } from "../images/rgb-image.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/**
 * d = normalize(mean f(after) − mean f(before)), where f is the CLIP image embedding (projected, not
 * normalized per image).
 *
 * @returns [p] of length 1, or undefined if the model folder has no CLIP or its embeddings do not differ
 */
export async function editDirection(
  pipeline: Pipeline,
  pairs: readonly { readonly before: RgbImage; readonly after: RgbImage }[],
): Promise<Float32Array | undefined> {
  let difference: Float32Array | undefined;
  for (const { before, after } of pairs) {
    const [from, to] = [await pipeline.embedImage(before), await pipeline.embedImage(after)];
    if (!from || !to) return undefined;
    const sum: Float32Array = difference ?? new Float32Array(to.length);
    difference = sum.map((x, i) => x + to[i]! - from[i]!);
  }
  const length = Math.sqrt(difference?.reduce((sum, x) => sum + x * x, 0) ?? 0);
  return length > 0 ? difference?.map((x) => x / length) : undefined;
}
