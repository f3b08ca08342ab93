import { z } from "zod";
import { precisions } from "../../engine/networks/precision.ts";
import { isDevice } from "../../engine/runtime/device.ts";
import { VisibleError } from "../../shared/errors.ts";

/** Device, precision and size of the full-model benchmarks: `--device cuda --precision fp16 --size 512`. */
const fullSizeOptionsSchema = z.object({
  device: z.string().refine(isDevice, "must be cpu, webgpu, cuda or cuda:n").default("cpu"),
  precision: z.enum(precisions).default("fp32"),
  /** Side in pixels; a multiple of 64. */
  size: z.coerce.number().int().multipleOf(64).default(512),
});
export type FullSizeOptions = z.infer<typeof fullSizeOptionsSchema>;

/** @throws VisibleError `invalid_option` */
export function readOptions(words: readonly string[]): FullSizeOptions {
  const given: Record<string, string | undefined> = {};
  for (const [index, word] of words.entries())
    if (word.startsWith("--")) given[word.slice(2)] = words[index + 1];
  const parsed = z.strictObject(fullSizeOptionsSchema.shape).safeParse(given);
  if (parsed.success) return parsed.data;
  throw new VisibleError("invalid_option", z.prettifyError(parsed.error));
}
