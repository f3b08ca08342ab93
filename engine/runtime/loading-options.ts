import type { InferenceSession } from "onnxruntime-node";
import { estimateMemory } from "../graph/memory-estimate.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { type Device, kindOf } from "./device.ts";

/** Size of the weights in bytes above which a second copy costs more than it gains. */
const inPlaceBytes = 2 ** 30;

/** Size of intermediate values in bytes up to which a memory pattern pays off. */
const patternBytes = 2 ** 28;

/**
 * onnxruntime's options for a graph whose weight files are below `root`. The files are mapped.
 *
 * On the CPU, its fastest kernels need weights in their own layouts: a copy of every weight in every session.
 * For a large model this is most of its memory and load time, and its large convolutions run as fast from the
 * file's layout. Weights are therefore copied for small models and used in place for large ones. Memory
 * patterns allocate all intermediate values again at the second run, so they are disabled for large graphs.
 */
export function loadingOptions(
  graph: OptimizedGraph,
  device: Device,
  root: string,
): InferenceSession.SessionOptions {
  const { weights, read, folded, activations } = estimateMemory(graph);
  const large = device === "cpu" && Math.min(weights, read + folded) >= inPlaceBytes;
  const waits = graph.nodes.some(({ op }) => op === "After");
  return {
    graphOptimizationLevel: large ? "extended" : "all",
    enableMemPattern: !large && activations < patternBytes,
    extra: {
      session: {
        model_external_initializers_file_folder_path: root,
        // A shape that the library infers otherwise is an error instead of a warning.
        strict_shape_type_inference: "1",
        ...(large ? { disable_prepacking: "1" } : {}),
        // Otherwise weights are allocated from the arena, which grows by doubling: up to twice a large
        // model's size.
        ...(kindOf(device) === "cuda" ? { use_device_allocator_for_initializers: "1" } : {}),
      },
      // ReshapeFusion merges two Reshapes and would lose the dependency of an After.
      ...(waits ? { optimization: { disable_specified_optimizers: "ReshapeFusion" } } : {}),
    },
  };
}
