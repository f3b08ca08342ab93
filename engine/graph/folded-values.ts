import type { Graph } from "./graph.ts";
import type { Value } from "./value.ts";

/** Values computed by nodes from weights and constants alone; onnxruntime computes them when it loads the graph. */
export function foldedValues({ nodes }: Graph): ReadonlySet<Value> {
  const folded = new Set<Value>();
  const fixed = (value: Value) =>
    value.origin.kind === "weight" || value.origin.kind === "constant" || folded.has(value);
  for (const { inputs, outputs } of nodes)
    if (inputs.every(fixed)) for (const output of outputs) folded.add(output);
  return folded;
}
