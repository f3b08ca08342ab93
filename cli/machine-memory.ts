import { freemem, totalmem } from "node:os";
import type { Pipeline } from "visii-engine";
import type { Size } from "./picture-size.ts";

/** Bytes that this process may still take: what the system has to give, or what a container allows, whichever is less. */
export function availableMemory(): number {
  const constraint = process.constrainedMemory() ?? 0;
  const allowed =
    constraint > 0 && constraint < totalmem()
      ? constraint - process.memoryUsage.rss()
      : Number.POSITIVE_INFINITY;
  return Math.min(freemem(), allowed);
}

/** Sizes already looked at, by pipeline and use: photos of one size ask once. */
const passed = new WeakMap<Pipeline, Set<string>>();

/** @throws VisibleError `not_enough_memory`. Other devices have memory of their own, which they answer for. */
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
    ...{ use, width, height },
    multiple: pipeline.sizeMultiple,
    available: availableMemory(),
    allowed: pipeline.memory,
  });
  known.add(key);
}
