import { preparedCases } from "./case-graph.ts";

/** Every case with its numbers, in a form that another language reads. The text is the fixture's identity. */
export function exportedCases(): string {
  return JSON.stringify(
    preparedCases.map(({ title, op, operatorCase, feeds, cotangent, differentiable }) => ({
      title,
      op,
      attributes: operatorCase.attributes,
      inputs: operatorCase.inputs.map((spec, index) => ({
        name: `x${index}`,
        shape: spec.shape,
        dtype: spec.kind === "ids" ? "int64" : spec.dtype,
        data: Array.from(feeds[`x${index}`]!, Number),
      })),
      cotangent: Array.from(cotangent),
      differentiable,
    })),
  );
}
