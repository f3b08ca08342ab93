import { InternalError } from "../errors.ts";
import { type Shape, showShape } from "./value.ts";

/**
 * The shape that two operands broadcast to, by the rules of NumPy and ONNX. @throws InternalError if they do
 * not
 */
export function broadcastShapes(a: Shape, b: Shape, subject: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw new InternalError(`${subject}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast`);
    return left === 1 ? right : left;
  });
}

/** The axes along which a tensor of shape `narrow` is repeated to fill `wide`. */
export function broadcastAxes(narrow: Shape, wide: Shape): number[] {
  const lead = wide.length - narrow.length;
  return wide.flatMap((size, axis) =>
    axis < lead || (narrow[axis - lead] === 1 && size !== 1) ? [axis] : [],
  );
}
