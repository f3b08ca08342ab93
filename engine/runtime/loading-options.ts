import type { InferenceSession } from "onnxruntime-node";
import { estimateMemory } from "../graph/memory-estimate.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { type Device, kindOf } from "./device.ts";

/** From how many bytes of weights on a second copy of them costs more than it gains. */
const inPlaceBytes = 2 ** 30;

/** Up to how many bytes of intermediate values a second place for them costs less than looking for one at every run. */
const patternBytes = 2 ** 28;

/**
 * How onnxruntime is to load a graph whose weight files lie below `root`. They are mapped, not read.
 *
 * On the CPU its fastest kernels want weights in layouts of their own: a copy of every weight, for every session. For a large
 * model that is the larger part of its memory and of the time to load it, and its convolutions, being large, run as fast
 * from the layout of the file. So a small model is copied and a large one is read where it is mapped. Memory patterns set
 * aside all of a run's intermediate values anew at the second run, beside the first's; a large graph does without.
 */
export function loadingOptions(
  graph: OptimizedGraph,
  device: Device,
  root: string,
): InferenceSession.SessionOptions {
  const { weights, activations } = estimateMemory(graph);
  const large = device === "cpu" && weights >= inPlaceBytes;
  const waits = graph.nodes.some(({ op }) => op === "After");
  return {
    graphOptimizationLevel: large ? "extended" : "all",
    enableMemPattern: !large && activations < patternBytes,
    extra: {
      session: {
        model_external_initializers_file_folder_path: root,
        ...(large ? { disable_prepacking: "1" } : {}),
        // Else weights come from the arena, which grows by doubling: a large model would take up to twice its size.
        ...(kindOf(device) === "cuda" ? { use_device_allocator_for_initializers: "1" } : {}),
      },
      // It joins two Reshapes into one and would lose what the first, an After, waits for.
      ...(waits ? { optimization: { disable_specified_optimizers: "ReshapeFusion" } } : {}),
    },
  };
}
