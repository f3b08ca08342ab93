import { freemem, totalmem } from "node:os";
import type { Pipeline } from "visii-engine";
import type { Size } from "./image-size.ts";

/** Bytes available to this process: the smaller of the system's free memory and the container's limit. */
export function availableMemory(): number {
  const constraint = process.constrainedMemory() ?? 0;
  const allowed =
    constraint > 0 && constraint < totalmem()
      ? constraint - process.memoryUsage.rss()
      : Number.POSITIVE_INFINITY;
  return Math.min(freemem(), allowed);
}

/** Image sizes that passed the check, by pipeline and use. Each is checked once. */
const passed = new WeakMap<Pipeline, Set<string>>();

/** @throws VisibleError `not_enough_memory`; only for the CPU, because other devices have their own memory */
export async function requireHostMemory(
  pipeline: Pipeline,
  use: "learn" | "edit",
  { width, height }: Pick<Size, "width" | "height">,
): Promise<void> {
  const known = passed.get(pipeline) ?? new Set();
  passed.set(pipeline, known);
  const key = `${use} ${width}x${height}`;
  if (pipeline.device !== "cpu" || known.has(key)) return;
  const { requireMemory } = await import("visii-engine/capacity");
  requireMemory(pipeline.model, {
    use,
    width,
    height,
    multiple: pipeline.sizeMultiple,
    available: availableMemory(),
    allowed: pipeline.memory,
  });
  known.add(key);
}
